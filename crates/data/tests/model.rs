//! A model from a table to a file and back: what it predicts does not depend on threads, level, order of columns or a file in between.

use nxm_data::{Model, ReadOptions, Recipe, Table};
use nxm_net::{Cpu, Level};

/// Sizes and colours; which rows are large follows from both.
fn rows(range: std::ops::Range<usize>) -> String {
    let row = |i: usize| {
        let (size, colour) = (i * 7 % 23, ["red", "blue", ""][i % 3]);
        let size_text = if i.is_multiple_of(11) { String::new() } else { format!("{size}.5") };
        format!("{size_text},{colour},{},{}\n", if size > 11 { "yes" } else { "no" }, 3 * size + i % 3)
    };
    format!("size,colour,large,weight\n{}", range.map(row).collect::<String>())
}

fn table(text: &str) -> Table {
    Table::read_from(text.as_bytes(), "rows", &ReadOptions::default()).unwrap()
}

fn recipe() -> Recipe {
    Recipe::default().with_hidden([16]).with_epochs(30).with_seed(5)
}

/// The bits of all outputs.
fn bits(model: &Model, table: &Table) -> Vec<u32> {
    let found = model.predict(table).unwrap();
    (0..found.len())
        .flat_map(|row| found.outputs(row).iter().map(|output| output.to_bits()).collect::<Vec<_>>())
        .collect()
}

#[test]
fn the_same_bits_at_every_level_and_any_number_of_threads() {
    let (learned, asked) = (table(&rows(0..200)), table(&rows(200..260)));
    for target in ["large", "weight"] {
        let fit = |level, threads| {
            let split = learned.target(target).stratified(0.2, 1).unwrap();
            Model::fit(&Cpu::new(level, threads), &split, &recipe()).unwrap()
        };
        let expected = bits(&fit(Level::detect().unwrap(), 1), &asked);
        for level in Level::available().filter(|level| level.shape::<f32>().fused) {
            for threads in [1, 2] {
                assert_eq!(bits(&fit(level, threads), &asked), expected, "{target}, {level}, {threads} threads");
            }
        }
    }
}

#[test]
fn a_file_in_between_changes_nothing() {
    let (learned, asked) = (table(&rows(0..200)), table(&rows(200..260)));
    let cpu = Cpu::detect().unwrap();
    let split = learned.target("large").ignore(["weight"]).stratified(0.2, 1).unwrap();
    let model = Model::fit(&cpu, &split, &recipe()).unwrap();
    let path = std::env::temp_dir().join(format!("nxm-data-model-{}", std::process::id()));
    model.save(&path).unwrap();
    let loaded = Model::load(&cpu, &path);
    std::fs::remove_file(&path).unwrap();
    let loaded = loaded.unwrap();
    assert_eq!((bits(&loaded, &asked), &loaded.schema), (bits(&model, &asked), &model.schema));
    assert_eq!(loaded.evaluate(&split.held_out).unwrap(), model.evaluate(&split.held_out).unwrap());
    // Columns are found by their names.
    let turned: String = rows(200..260)
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{},{},{}\n", cells[3], cells[1], cells[0])
        })
        .collect();
    assert_eq!(bits(&loaded, &table(&turned)), bits(&model, &asked));
    let error = loaded.predict(&table("colour\nred\n")).unwrap_err().to_string();
    assert!(error.contains("no column \"size\""), "{error}");
}

#[test]
fn what_is_learned_is_better_than_its_baseline() {
    let learned = table(&rows(0..300));
    let cpu = Cpu::detect().unwrap();
    for target in ["large", "weight"] {
        let split = learned.target(target).stratified(0.2, 1).unwrap();
        let model = Model::fit(&cpu, &split, &recipe()).unwrap();
        let text = model.evaluate(&split.held_out).unwrap().to_string();
        assert!(!text.contains("no better than the baseline"), "{target}: {text}");
        assert!(model.history.len() > 1 && model.history[0].held_out_loss.is_some());
    }
    let labels = learned.targets(["large"]).ignore(["weight"]).task(nxm_data::Task::Labels);
    let split = labels.random(0.2, 1).unwrap();
    let model = Model::fit(&cpu, &split, &recipe()).unwrap();
    let found = model.predict_rows(&learned, &split.held_out.rows).unwrap();
    assert!((0..found.len()).all(|row| found.probabilities(row).len() == 1));
}

#[test]
fn without_held_out_rows_the_checkpoint_is_the_training_at_its_end() {
    let (learned, cpu) = (table(&rows(0..60)), Cpu::detect().unwrap());
    let split = learned.target("large").random(0.0, 1).unwrap();
    let model = Model::fit(&cpu, &split, &recipe()).unwrap();
    let steps = model.checkpoint.options.steps_per_epoch(60) as u64 * 30;
    assert_eq!((model.checkpoint.state.progress.epochs, model.checkpoint.state.optimizer.steps()), (30, steps));
}
