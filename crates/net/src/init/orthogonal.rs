//! Random matrices with orthonormal rows or columns: the Q of a normal matrix's QR, whose R has a positive diagonal, which makes all
//! of them equally likely (Mezzadri 2007, "How to generate random matrices from the classical compact groups").

use rand_core::Rng;

use crate::buffer::zeros;
use crate::error::NetError;
use crate::random::normal;

/// A rows × columns matrix, row by row: its columns are orthonormal, or if it is wide its rows.
#[allow(clippy::float_arithmetic, reason = "made once, before the first step")]
pub(super) fn matrix(random: &mut impl Rng, rows: usize, columns: usize) -> Result<Vec<f64>, NetError> {
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut vectors: Vec<f64> = zeros("orthogonal weights", count, length)?;
    for number in &mut vectors {
        *number = normal(random);
    }
    for v in 0..count {
        let (before, rest) = vectors.split_at_mut(v * length);
        let vector = &mut rest[..length];
        // Gram and Schmidt, twice: what rounding leaves of the others the first time, the second takes away (Giraud et al. 2005).
        for _ in 0..2 {
            for other in before.chunks_exact(length) {
                let along = dot(vector, other);
                vector.iter_mut().zip(other).for_each(|(v, o)| *v -= along * o);
            }
        }
        let norm = dot(vector, vector).sqrt();
        vector.iter_mut().for_each(|v| *v /= norm);
    }
    if rows < columns {
        return Ok(vectors);
    }
    let mut transposed = zeros("orthogonal weights", rows, columns)?;
    for (i, row) in transposed.chunks_exact_mut(columns.max(1)).enumerate() {
        row.iter_mut().enumerate().for_each(|(j, number)| *number = vectors[j * length + i]);
    }
    Ok(transposed)
}

#[allow(clippy::float_arithmetic, reason = "made once, before the first step")]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
