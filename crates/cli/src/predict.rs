//! `nxm predict`: what a trained network says about each row.

use std::io::{IsTerminal, Write, stdout};

use nxm_kernels::{Cpu, MatrixRef};
use nxm_net::argmax;

use crate::args::PredictArgs;
use crate::data::{Examples, Meaning, Source, Want};
use crate::failure::Failure;
use crate::foreign::Foreign;
use crate::format::plain;
use crate::model::Model;

/// Writes CSV: a header, and a row for each example.
pub fn run(args: &PredictArgs, cpu: Cpu, out: &mut impl Write) -> Result<(), Failure> {
    let cpu = args.machine.of(cpu);
    let Model { checkpoint, scheme } = Model::load(&args.model)?;
    let source = Source::File { data: &args.data, labels: None };
    let examples = source.read(Want::Predict(&scheme.columns), &args.table)?;
    let inputs = scheme.inputs(&examples, 0..examples.len())?;
    let inputs = MatrixRef::new(&inputs, examples.len(), scheme.columns.features()).map_err(Failure::usage)?;
    let outputs = checkpoint.network.predict(&cpu, inputs).map_err(Failure::usage)?;
    let width = scheme.meaning.outputs();
    if !args.allow_non_finite {
        must_be_finite(&outputs, width, &examples)?;
    }

    let mut writer = csv::Writer::from_writer(out);
    match &scheme.meaning {
        Meaning::Number => writer.write_record(["prediction"])?,
        Meaning::Classes(_) | Meaning::TwoClasses(_) => writer.write_record(["prediction", "probability"])?,
    }
    // A program gets the names of classes as they are, a terminal what it can show.
    let terminal = stdout().is_terminal();
    for row in outputs.chunks_exact(width) {
        match &scheme.meaning {
            Meaning::Number => {
                let number = scheme.target.map_or(f64::from(row[0]), |target| target.number(row[0]));
                writer.write_record([plain(number)])?;
            }
            Meaning::Classes(classes) => writer.write_record(prediction(likeliest(row), classes, terminal))?,
            // The logits of both classes, if that of the first is 0.
            Meaning::TwoClasses(classes) => {
                writer.write_record(prediction(likeliest(&[0.0, row[0]]), classes, terminal))?;
            }
        }
    }
    Ok(writer.flush()?)
}

/// Refuses outputs that are infinite or no number: finite inputs can be so large that a network overflows.
pub fn must_be_finite(outputs: &[f32], width: usize, examples: &Examples) -> Result<(), Failure> {
    let rows = outputs.chunks_exact(width).enumerate();
    let stray =
        rows.filter_map(|(row, outputs)| Some((row, outputs.iter().find(|output| !output.is_finite())?))).next();
    let Some((row, output)) = stray else { return Ok(()) };
    Err(Failure::Usage(format!(
        "{}: the network's output is {output}, which no prediction can be made of: its numbers are too far from what the model \
         was trained on (--allow-non-finite goes on)",
        examples.place(row)
    )))
}

/// The two cells of a row; no class and NaN, if no class is the likeliest.
fn prediction(likeliest: Option<(usize, f64)>, classes: &[String], terminal: bool) -> [String; 2] {
    let Some((class, probability)) = likeliest else { return [String::new(), f64::NAN.to_string()] };
    let class = &classes[class];
    [if terminal { Foreign::bare(class).to_string() } else { class.clone() }, format!("{probability:.4}")]
}

/// The largest of some logits (the first of equal ones), and its softmax: 1 / Σ exp(z − largest). None if one is NaN.
fn likeliest(logits: &[f32]) -> Option<(usize, f64)> {
    let best = argmax(logits)?;
    let largest = f64::from(logits[best]);
    Some((best, 1.0 / logits.iter().map(|logit| (f64::from(*logit) - largest).exp()).sum::<f64>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_class_has_its_softmax() {
        assert_eq!(likeliest(&[2.0, 2.0]), Some((0, 0.5)));
        // Logits of ln 1, ln 3: a quarter and three quarters.
        let (class, probability) = likeliest(&[0.0, 3f32.ln()]).unwrap();
        assert!(class == 1 && (probability - 0.75).abs() < 1e-7, "{probability}");
        assert_eq!(likeliest(&[1000.0, -1000.0, 0.0]), Some((0, 1.0)));
        assert_eq!([likeliest(&[0.0, f32::NAN]), likeliest(&[])], [None, None]);
    }

    #[test]
    fn a_terminal_is_shown_no_escape_sequence_and_a_program_gets_the_name() {
        let classes = ["\u{1b}[2J".to_owned()];
        assert_eq!(prediction(Some((0, 1.0)), &classes, true)[0], "\\u{1b}[2J");
        assert_eq!(prediction(Some((0, 1.0)), &classes, false)[0], classes[0]);
        assert_eq!(prediction(None, &classes, false), ["", "NaN"]);
    }
}
