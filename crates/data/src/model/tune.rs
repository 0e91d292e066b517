//! Fine-tuning: a training that begins with the weights of a model that is there.

use std::sync::Arc;

use nxm_net::Cpu;

use super::{Baseline, Model, Schema};
use crate::error::TableError;
use crate::foreign::Foreign;
use crate::recipe::Recipe;
use crate::split::{Examples, Rows, Split};

impl Model {
    /// Trains a copy of this model on other rows. It begins with this model's weights, and keeps its columns, scales and classes; the state
    /// of the optimizer and the epochs begin anew.
    ///
    /// ```
    /// use nxm_data::{Model, ReadOptions, Recipe, Table};
    /// use nxm_net::{Cpu, Optimizer};
    ///
    /// let rows = |range: std::ops::Range<usize>| -> String {
    ///     let rows = range.map(|i| format!("{},{}\n", i * 7 % 23, ["low", "high"][usize::from(i * 7 % 23 > 11)]));
    ///     format!("size,kind\n{}", rows.collect::<String>())
    /// };
    /// let [old, new] = [rows(0..40), rows(40..80)].map(|text| {
    ///     Table::read_from(text.as_bytes(), "sizes", &ReadOptions::default())
    /// });
    /// let (old, new, cpu) = (old?, new?, Cpu::detect()?);
    /// let recipe = Recipe::default().with_epochs(20).with_hidden([8]);
    /// let model = Model::fit(&cpu, &old.target("kind").stratified(0.2, 1)?, &recipe)?;
    /// let gently = Recipe::default().with_epochs(5).with_optimizer(Optimizer::adamw(1e-4));
    /// let tuned = model.fine_tune(&cpu, &new.target("kind").stratified(0.2, 1)?, &gently)?;
    /// assert_eq!(tuned.schema.encoder, model.schema.encoder);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TableError`] if the recipe asks for another network, if the table lacks a column of the model, if it has a class that the model does
    /// not know, or as [`Model::fit`].
    pub fn fine_tune(&self, cpu: &Cpu, split: &Split<'_>, recipe: &Recipe) -> Result<Model, TableError> {
        if recipe.hidden.is_some() || recipe.activation.is_some() || recipe.layers.is_some() {
            return Err(TableError::Request(
                "the recipe asks for hidden layers or their activation, and a fine-tuned model keeps those that it has"
                    .to_owned(),
            ));
        }
        let split = Split { train: self.schema.own(&split.train)?, held_out: self.schema.own(&split.held_out)? };
        let schema = self.schema.tuned(&split)?;
        let settings = recipe.settings_for(&split)?;
        let checkpoint = settings.begin(self.checkpoint.evaluated().clone(), &schema, split.train.len())?;
        Model::train(cpu, &split, schema, checkpoint, &settings)
    }
}

impl Schema {
    /// These rows with their targets as the model understands them: its classes have numbers of their own.
    fn own<'a>(&self, rows: &Rows<'a>) -> Result<Rows<'a>, TableError> {
        let Rows { examples, rows } = rows;
        if examples.target == self.target {
            return Ok(Rows { examples: Arc::clone(examples), rows: rows.clone() });
        }
        let [asked, known] = [&examples.target, &self.target].map(|target| target.columns());
        if asked != known {
            let [asked, known] = [asked, known].map(|columns| Foreign::list(columns.iter().map(String::as_str)));
            return Err(TableError::Request(format!(
                "the model learned {known}, and these rows are split to learn {asked}"
            )));
        }
        let weights = examples.weights.as_ref().map(|weights| weights.column.as_str());
        let own = Examples::of_model(examples.table, &self.target)?.weighted_by(weights)?;
        let rows = rows.iter().copied().filter(|row| own.target.is_whole(&own.values, *row)).collect();
        Ok(Rows { examples: Arc::new(own), rows })
    }

    /// What a network must know that goes on learning from other rows: the same, but what it must beat follows from those,
    /// and so does what they weigh.
    ///
    /// # Errors
    /// [`TableError`] if the targets of these rows are others.
    pub fn tuned(&self, split: &Split<'_>) -> Result<Schema, TableError> {
        let baseline = Baseline::new(&self.target, &split.train.values()?)?;
        let weights = split.train.examples.weights.as_ref().map(|weights| weights.column.clone());
        Ok(Schema { baseline, weights, ..self.clone() })
    }
}
