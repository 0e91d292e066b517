//! Trains on one CSV file and is judged by another: `cargo run --release -p nxm-data --example tables -- TRAIN TEST LABEL TASK SEED`.
use std::sync::Arc;
use std::time::Instant;

use nxm_data::*;
use nxm_net::Cpu;

fn read(path: &str) -> Table {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let cut = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
    let names = cut(lines.next().unwrap());
    let mut builders: Vec<_> = names.iter().map(|_| CellsBuilder::new(Arc::default(), false)).collect();
    for line in lines {
        builders.iter_mut().zip(cut(line)).for_each(|(b, cell)| b.push(&cell).unwrap());
    }
    let columns = names.into_iter().zip(builders).map(|(name, b)| Column { name, cells: b.build() }).collect();
    Table::new(path, columns).unwrap()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let cpu = Cpu::detect()?;
    let (train, test) = (read(&args[1]), read(&args[2]));
    let task = if args[4] == "classes" { Task::Classes } else { Task::Numbers };
    let start = Instant::now();
    let share: f64 = std::env::var("SHARE").map_or(0.15, |x| x.parse().unwrap());
    let split = train.target(&args[3]).task(task).stratified(share, args[5].parse()?)?;
    let judged = Split::of(train.target(&args[3]).task(task).examples()?, &test)?.held_out;
    let mut recipe = Recipe::default().with_seed(args[5].parse()?);
    if let Ok(v) = std::env::var("LR") {
        recipe = recipe.with_optimizer(nxm_net::Optimizer::adamw(v.parse()?));
    }
    if let Ok(v) = std::env::var("HIDDEN") {
        recipe = recipe.with_hidden(v.split(',').map(|x| x.parse().unwrap()).collect::<Vec<_>>());
    }
    if let Ok(v) = std::env::var("BATCH") {
        recipe = recipe.with_batch(v.parse()?);
    }
    if let Ok(v) = std::env::var("PATIENCE") {
        recipe = recipe.with_patience(v.parse()?);
    }
    if let Ok(v) = std::env::var("EPOCHS") {
        recipe = recipe.with_epochs(v.parse()?);
    }
    let model = Model::fit(&cpu, &split, &recipe)?;
    let seconds = start.elapsed().as_secs_f64();
    let rows = &judged;
    let found = model.predict_rows(&test, &rows.rows)?;
    let score = match &rows.examples.values {
        TargetValues::Classes(classes) => {
            let right =
                rows.rows.iter().enumerate().filter(|(i, row)| found.class(*i) == Some(classes[**row] as usize));
            right.count() as f64 / rows.len() as f64
        }
        TargetValues::Numbers(values) => {
            let targets: Vec<f64> = rows.rows.iter().map(|row| values[*row]).collect();
            let mean = targets.iter().sum::<f64>() / targets.len() as f64;
            let all: f64 = targets.iter().map(|x| (x - mean).powi(2)).sum();
            let left: f64 = targets.iter().enumerate().map(|(i, x)| (x - found.numbers(i)[0]).powi(2)).sum();
            1.0 - left / all
        }
    };
    println!("{score} {seconds} {}", model.history.len());
    Ok(())
}
