//! `nxm predict`: what a trained network says about each row.

use std::io::Write;

use nxm_kernels::{Cpu, MatrixRef};

use crate::args::PredictArgs;
use crate::data::{Meaning, Source, Want};
use crate::failure::Failure;
use crate::model::Model;

/// Writes CSV: a header, and a row for each example.
pub fn run(args: &PredictArgs, cpu: Cpu, out: &mut impl Write) -> Result<(), Failure> {
    let cpu = args.machine.of(cpu);
    let Model { checkpoint, scheme } = Model::load(&args.model)?;
    let source = Source::File { data: &args.data, labels: None };
    let examples = source.read(Want::Predict(&scheme.columns))?;
    let inputs = scheme.inputs(&examples)?;
    let inputs = MatrixRef::new(&inputs, examples.len(), scheme.columns.features()).map_err(Failure::usage)?;
    let outputs = checkpoint.network.predict(&cpu, inputs).map_err(Failure::usage)?;

    let mut writer = csv::Writer::from_writer(out);
    match &scheme.meaning {
        Meaning::Number => writer.write_record(["prediction"])?,
        Meaning::Classes(_) | Meaning::TwoClasses(_) => writer.write_record(["prediction", "probability"])?,
    }
    for row in outputs.chunks_exact(scheme.meaning.outputs()) {
        match &scheme.meaning {
            Meaning::Number => {
                let number = scheme.target.map_or(row[0], |target| target.number(row[0]));
                writer.write_record([number.to_string()])?;
            }
            Meaning::Classes(classes) => {
                let (class, probability) = likeliest(row);
                writer.write_record([&classes[class], &format!("{probability:.4}")])?;
            }
            Meaning::TwoClasses(classes) => {
                // The logits of both classes, if that of the first is 0.
                let (class, probability) = likeliest(&[0.0, row[0]]);
                writer.write_record([&classes[class], &format!("{probability:.4}")])?;
            }
        }
    }
    Ok(writer.flush()?)
}

/// The largest of some logits (the first of equal ones), and its softmax: 1 / Σ exp(z − largest).
fn likeliest(logits: &[f32]) -> (usize, f64) {
    let mut best = 0;
    for (i, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = i;
        }
    }
    let largest = f64::from(logits[best]);
    (best, 1.0 / logits.iter().map(|logit| (f64::from(*logit) - largest).exp()).sum::<f64>())
}

#[cfg(test)]
mod tests {
    use super::likeliest;

    #[test]
    fn the_likeliest_class_has_its_softmax() {
        assert_eq!(likeliest(&[2.0, 2.0]), (0, 0.5));
        // Logits of ln 1, ln 3: a quarter and three quarters.
        let (class, probability) = likeliest(&[0.0, 3f32.ln()]);
        assert!(class == 1 && (probability - 0.75).abs() < 1e-7, "{probability}");
        assert_eq!(likeliest(&[1000.0, -1000.0, 0.0]), (0, 1.0));
    }
}
