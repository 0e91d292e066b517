//! NPZ, arrays of NumPy in a zip archive: one array alone, or one of examples and one of what is to be learned of them.

use std::io::{Cursor, Read, Seek};
use std::sync::Arc;

use zip::ZipArchive;
use zip::result::ZipError;

use super::arrays::{Array, ArrayRows};
use super::dialect::{Dialect, Format};
use super::npy::{ARRAY, check, header};
use super::open::{Opened, Whole};
use super::options::ReadOptions;
use crate::error::TableError;
use crate::foreign::Foreign;

/// Names that belong together, whatever the case of their letters.
const PAIRS: [[&str; 2]; 6] = [
    ["x", "y"],
    ["x_train", "y_train"],
    ["data", "target"],
    ["data", "labels"],
    ["images", "labels"],
    ["features", "targets"],
];
/// The column of what is to be learned.
const TARGET: &str = "y";

/// Opens the arrays of an archive.
pub fn read(opened: Opened<'_>, options: &ReadOptions) -> Result<ArrayRows<'static>, TableError> {
    let (name, compression) = (opened.name.clone(), opened.compression);
    check(&name, "an archive of NumPy arrays", options)?;
    let dialect = Dialect::of(Format::Npz, compression, false);
    let arrays = match opened.whole()? {
        Whole::File(file) => arrays(std::io::BufReader::new(file), &name)?,
        Whole::Memory(bytes) => arrays(Cursor::new(bytes), &name)?,
    };
    Ok(ArrayRows::new(name, arrays, dialect, Arc::new(options.missing.clone()), "row"))
}

fn arrays(source: impl Read + Seek, name: &str) -> Result<Vec<Array<'static>>, TableError> {
    let mut archive = ZipArchive::new(source).map_err(|error| damaged(name, &error))?;
    let files = archive.file_names().map(|file| file.map(|file| file.into_owned()));
    let files = files.collect::<Result<Vec<String>, _>>().map_err(|error| damaged(name, &error))?;
    let known = |wanted: &str| {
        files.iter().find(|file| file.strip_suffix(".npy").is_some_and(|array| array.eq_ignore_ascii_case(wanted)))
    };
    let pair = PAIRS.iter().find_map(|[x, y]| Some([known(x)?.clone(), known(y)?.clone()]));
    match (&files[..], pair) {
        ([single], _) => Ok(vec![array(&mut archive, name, single, ["", ARRAY])?]),
        ([_, _], Some([x, y])) => {
            let x = array(&mut archive, name, &x, ["", ARRAY])?;
            let y = array(&mut archive, name, &y, [TARGET, TARGET])?;
            if x.rows() != y.rows() {
                return Err(TableError::Content(format!(
                    "{name}: its arrays have {} and {} rows: one row of the second is needed for each of the first",
                    x.rows(),
                    y.rows()
                )));
            }
            Ok(vec![x, y])
        }
        _ => Err(TableError::Content(format!(
            "{name} holds the arrays {}: two are needed, X and y, or one alone; write them by numpy.savez(…, X=…, y=…)",
            Foreign::list(files.iter().map(|file| file.strip_suffix(".npy").unwrap_or(file)))
        ))),
    }
}

fn array(
    archive: &mut ZipArchive<impl Read + Seek>,
    name: &str,
    file: &str,
    [prefix, single]: [&str; 2],
) -> Result<Array<'static>, TableError> {
    let place = format!("{name}, {}", Foreign::bare(file));
    let mut entry = archive.by_name(file).map_err(|error| damaged(&place, &error))?;
    let shape = header(&mut entry, &place)?;
    let single = if shape.sizes.len() == 1 && prefix.is_empty() { "1" } else { single };
    Array::new(&place, shape, Box::new(entry), [prefix, single], "row", false)?.into_memory()
}

fn damaged(name: &str, error: &ZipError) -> TableError {
    TableError::Content(format!("can't read {name}: {error}"))
}
