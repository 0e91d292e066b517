//! The handwritten digits that come with the program: 1,797 images of 8×8 pixels (data/NOTICE says from whom).

use nxm_net::Dataset;

/// Pixels of an image.
pub const PIXELS: usize = 64;
/// Digits there are.
pub const CLASSES: usize = 10;
/// The column that says which digit an image is.
pub const LABEL: &str = "digit";
/// The pixel value that is ink throughout; inputs are divided by it.
pub const INK: f32 = 16.0;

/// The file: a header, and a row for each image.
pub const CSV: &str = include_str!("../data/digits.csv");

/// All images, in the file's order: inputs from 0 to 1, labels 0 to 9.
pub fn dataset() -> Dataset<f32> {
    let (mut inputs, mut labels) = (Vec::new(), Vec::new());
    for record in csv::Reader::from_reader(CSV.as_bytes()).into_records() {
        let record = record.expect(WELL_FORMED);
        let mut fields = record.iter();
        for pixel in fields.by_ref().take(PIXELS) {
            inputs.push(pixel.parse::<f32>().expect(WELL_FORMED) / INK);
        }
        labels.push(fields.next().and_then(|label| label.parse::<u32>().ok()).expect(WELL_FORMED));
    }
    Dataset::classification(inputs, PIXELS, labels, CLASSES).expect(WELL_FORMED)
}

/// Why reading them can't fail: the file is part of the program, and a test reads it.
const WELL_FORMED: &str = "the embedded digits are well-formed";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_1797_images_with_all_shades_and_digits() {
        let digits = dataset();
        assert_eq!((digits.len(), digits.features(), digits.outputs()), (1797, PIXELS, CLASSES));
        let inputs = digits.inputs();
        let pixels: Vec<f32> = (0..digits.len()).flat_map(|row| inputs.row(row)).copied().collect();
        assert_eq!(pixels.iter().copied().fold(0.0, f32::max), 1.0);
        // The first image is a zero: the middle of its first row is 5, 13 and 9 of 16.
        assert_eq!(pixels[2..5], [5.0 / 16.0, 13.0 / 16.0, 9.0 / 16.0]);
    }
}
