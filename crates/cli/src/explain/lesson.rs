//! What a step costs and why: the forward pass, the loss, the derivatives, the update, and all of it together.

use nxm_count::{Breakdown, Formulas, NetworkSpec, Ops, StepPart, Tally, TrainingLength};
use nxm_kernels::Phase;
use nxm_net::Layer;

use super::page::Page;
use crate::failure::Failure;
use crate::format::{count, plural};

/// The steps that are explained: one on one example, and one on a batch.
#[derive(Debug)]
pub struct Lesson<'a> {
    network: &'a NetworkSpec,
    name: String,
    one: Breakdown<Tally>,
    batch: u64,
    many: Breakdown<Tally>,
}

impl<'a> Lesson<'a> {
    /// Counts both.
    pub fn new(network: &'a NetworkSpec, length: TrainingLength) -> Result<Lesson<'a>, Failure> {
        let step = |batch| Formulas::textbook::<f32>().step(network, batch).map_err(Failure::usage);
        let sizes: Vec<String> = network.sizes().iter().map(u64::to_string).collect();
        // No step has more rows than there are examples.
        let batch = length.batch.min(length.examples);
        Ok(Lesson { network, name: sizes.join("-"), one: step(1)?, batch, many: step(batch)? })
    }

    /// The page up to the training.
    pub fn page(&self) -> Page {
        let mut page = Page::new(format!("Why training {} takes so long", self.name));
        self.answer(&mut page);
        self.forward(&mut page);
        self.loss(&mut page);
        self.derivatives(&mut page);
        self.update(&mut page);
        self.factor(&mut page);
        page
    }

    fn answer(&self, page: &mut Page) {
        let forward = self.one.forward.useful.multiplications();
        let mut sentences = vec![
            format!("The network needs {} to answer for one example.", plural(forward, "multiplication")),
            format!(
                "To learn from that example it needs {}: {} times as many.",
                count(self.one.total.useful.multiplications()),
                factor(&self.one, StepPart::Total)
            ),
        ];
        if self.batch > 1 {
            let factor = factor(&self.many, StepPart::Total);
            sentences.push(format!("In batches of {} the factor is {factor}.", count(self.batch)));
        }
        sentences.push("Training repeats this for each example, in each epoch.".to_owned());
        sentences.push("This page shows where each of these numbers comes from.".to_owned());
        page.paragraph(&sentences);
    }

    fn forward(&self, page: &mut Page) {
        page.heading("The forward pass: the network answers");
        page.paragraph(&[
            "A layer with N inputs and M units has one weight for each pair of an input and a unit.".to_owned(),
            "It multiplies each input with its weight: N·M multiplications.".to_owned(),
            "Each unit then adds its N products and its bias: a sum over N + 1 terms, which takes N additions."
                .to_owned(),
            "At last each unit applies its activation: M activations.".to_owned(),
        ]);
        let rows = self.one.layers.iter().enumerate().map(|(l, layer)| {
            let ops = &layer[Phase::Forward].useful;
            let each = ops.additions().checked_div(u128::from(layer.fan_out)).unwrap_or(0);
            let sums = format!("{} × {}", count(layer.fan_out), count(each));
            let shape = format!("layer {}: {} × {}", l.saturating_add(1), count(layer.fan_in), count(layer.fan_out));
            vec![shape, count(ops.multiplications()), sums, count(ops.additions()), evaluations(ops)]
        });
        let total = &self.one.forward.useful;
        let sum = vec![
            "together".to_owned(),
            count(total.multiplications()),
            String::new(),
            count(total.additions()),
            evaluations(total),
        ];
        let rows = rows.chain([sum]).collect();
        page.table(&["N × M", "multiplications", "sums × additions", "additions", "activations"], shortened(rows));
    }

    fn loss(&self, page: &mut Page) {
        page.heading("The loss: how wrong is the answer?");
        let (loss, ops) = (self.network.loss(), &self.one.loss.useful);
        let mut cost = vec![plural(ops.multiplications(), "multiplication"), plural(ops.additions(), "addition")];
        cost.extend(ops.functions().map(|(function, n)| plural(n, "evaluation") + " of " + function.name()));
        page.paragraph(&[
            format!(
                "The loss ({loss}) compares the outputs with the targets, and gives the derivative of each output."
            ),
            format!("For one example it takes {}.", list(&cost)),
        ]);
    }

    fn derivatives(&self, page: &mut Page) {
        page.heading("The derivatives: which way to move each parameter");
        let network = self.network;
        // A norm has as many biases as weights.
        let of_layer = |(layer, units): (&Layer, &u64)| match layer {
            Layer::Dense { bias: false, .. } | Layer::Dropout { .. } | Layer::Softmax | Layer::LogSoftmax => 0,
            _ => u128::from(*units),
        };
        let biases: u128 = network.layer_list().iter().zip(&network.sizes()[1..]).map(of_layer).sum();
        let weights = network.parameters().saturating_sub(biases);
        let sum =
            |phase: Phase| -> u128 { self.one.layers.iter().map(|layer| layer[phase].useful.multiplications()).sum() };
        let [slopes, products, inputs] =
            [Phase::ActivationGradient, Phase::WeightGradient, Phase::InputGradient].map(sum);
        let all = self.one.backward.useful.multiplications();
        page.paragraph(&[
            format!(
                "Training needs one derivative for each of the {} and {}: {} derivatives.",
                plural(weights, "weight"),
                if biases == 1 { "1 bias".to_owned() } else { format!("{} biases", count(biases)) },
                count(network.parameters())
            ),
            "The derivative of a weight is its input times the δ of its unit: one multiplication for each weight."
                .to_owned(),
            "The derivative of a bias is δ itself.".to_owned(),
            format!("One would expect {}, and yet it takes {}.", plural(products, "multiplication"), count(all)),
        ]);
        let mut rows = vec![vec!["for the weights: input · δ".to_owned(), count(products)]];
        if network.layers() > 1 {
            let last = network.layers();
            let of = if last == 2 { "layer 2".to_owned() } else { format!("layers 2 to {last}") };
            rows.push(vec![format!("for the inputs of {of}: weight · δ"), count(inputs)]);
        }
        rows.push(vec!["for the slopes of the activations".to_owned(), count(slopes)]);
        rows.push(vec!["together".to_owned(), count(all)]);
        page.table(&["derivatives", "multiplications"], rows);
        let mut why = vec![
            "δ says how the loss changes with a unit's sum.".to_owned(),
            "The last layer gets its δ from the loss.".to_owned(),
        ];
        if network.layers() > 1 {
            why.push("Each earlier layer gets its δ from the layer after it, through that layer's weights: a second multiplication for each of these weights.".to_owned());
        }
        why.push("The first layer sends nothing back, because its inputs are data.".to_owned());
        let comparisons = self.one.backward.useful.own().cmp();
        match (slopes, comparisons) {
            (0, 0) => why.push("The activations here have a slope of 1, which costs nothing.".to_owned()),
            (0, _) => {
                why.push(format!(
                    "The slopes here are 0 or 1: they cost {} and no multiplication.",
                    plural(comparisons, "comparison")
                ));
            }
            _ => why.push("At last, δ is multiplied by the slope of the unit's activation.".to_owned()),
        }
        page.paragraph(&why);
    }

    fn update(&self, page: &mut Page) {
        page.heading("The update: move each parameter");
        let parameters = self.network.parameters();
        let ops = &self.one.update.useful;
        let each = |n: u128| match n.checked_div(parameters) {
            Some(each) if n.is_multiple_of(parameters) => count(each),
            _ => format!("{:.2}", n as f64 / parameters as f64),
        };
        let mut costs = vec![
            (ops.multiplications(), "multiplication"),
            (ops.additions(), "addition"),
            (ops.own().div(), "division"),
            (ops.own().sqrt(), "square root"),
        ];
        costs.retain(|(n, _)| *n > 0);
        let costs: Vec<String> = costs
            .iter()
            .map(|(n, noun)| {
                let each = each(*n);
                let plural = if each == "1" { "" } else { "s" };
                format!("{each} {noun}{plural}")
            })
            .collect();
        page.paragraph(&[
            format!(
                "The optimizer ({}) moves each of the {} parameters against its derivative.",
                self.network.optimizer().name(),
                count(parameters)
            ),
            format!("Its rule takes {} for each parameter.", list(&costs)),
            format!("Together the update takes {}.", plural(ops.multiplications(), "multiplication")),
        ]);
    }

    fn factor(&self, page: &mut Page) {
        page.heading("All of it: the factor");
        page.paragraph(&[
            "The table divides the multiplications of each part by those of the forward pass on the same examples."
                .to_owned(),
        ]);
        let mut header = vec!["part".to_owned(), "on 1 example".to_owned(), "factor".to_owned()];
        let batches = self.batch > 1;
        if batches {
            header.extend([format!("on {} examples", count(self.batch)), "factor".to_owned()]);
        }
        let rows = StepPart::ALL.map(|part| {
            let name = if part == StepPart::Total { "step" } else { part.name() };
            let of = |step: &Breakdown<Tally>| [count(step[part].useful.multiplications()), factor(step, part)];
            let mut row = vec![name.to_owned()];
            row.extend(of(&self.one));
            if batches {
                row.extend(of(&self.many));
            }
            row
        });
        page.table(&header.iter().map(String::as_str).collect::<Vec<_>>(), rows.to_vec());
        if batches {
            let update = |step| factor(step, StepPart::Update);
            page.paragraph(&[
                format!(
                    "The factor falls from {} to {}, because a step updates the parameters once, however many examples it has.",
                    factor(&self.one, StepPart::Total),
                    factor(&self.many, StepPart::Total)
                ),
                format!(
                    "The update is {} forward passes of one example, but only {} forward passes of {} examples.",
                    update(&self.one),
                    update(&self.many),
                    count(self.batch)
                ),
                "Everything else grows with the examples.".to_owned(),
            ]);
        }
    }
}

/// Layers beyond these are left to `nxm count`, which has a line for each.
const ROWS: usize = 12;

/// The first and the last rows of a long table, and between them how many are left out.
fn shortened(mut rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    if let Some(hidden) = rows.len().checked_sub(ROWS).filter(|hidden| *hidden > 0) {
        let mut note = vec![String::new(); rows[0].len()];
        note[0] = format!("… {hidden} more layers");
        const FIRST: usize = ROWS - 2;
        rows.splice(FIRST..FIRST.saturating_add(hidden), [note]);
    }
    rows
}

/// The multiplications of a part, in forward passes of the same examples.
fn factor(step: &Breakdown<Tally>, part: StepPart) -> String {
    let [part, forward] = [&step[part], &step.forward].map(|tally| tally.useful.multiplications() as f64);
    format!("{:.2}", part / forward)
}

/// "60 sigmoid", "100 relu, 10 tanh".
fn evaluations(ops: &Ops) -> String {
    let named: Vec<String> = ops.functions().map(|(function, n)| format!("{} {}", count(n), function.name())).collect();
    if named.is_empty() { "none".to_owned() } else { named.join(", ") }
}

/// "a", "a and b", "a, b and c".
fn list(items: &[String]) -> String {
    match items {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
