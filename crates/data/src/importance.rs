//! Permutation importance: how much worse a model gets when the values of one column are shuffled between the rows (Breiman 2001).
//!
//! A shuffled column keeps its distribution and loses its relation to the target, so that the loss rises by what the model takes from the
//! column. A column whose loss does not rise is not used, or says what another column says, too.

use nxm_net::shuffle_rows;
use serde::Serialize;

/// What a model takes from one column.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Importance {
    /// The column, counted from 0.
    pub column: usize,
    /// The mean increase of the loss when the column is shuffled. About 0, perhaps less: the model does not need it.
    pub mean: f64,
    /// The standard deviation of the increase over the repeats: √(Σ(x − mean)² ÷ repeats).
    pub spread: f64,
}

/// Measures the importance of `columns` columns of `rows` rows; the most important one comes first, NaN last.
///
/// `loss` is called with a column and an order of the rows, and returns the loss of the model when row i has the value of that column that
/// belongs to row `order[i]`. It is first called with `None`: nothing is shuffled. Then it is called `repeats` times for each column, with
/// the same orders for all columns, so that chance favours none. The orders are a function of `seed` alone, on all machines.
///
/// ```
/// use nxm_data::permutation_importance;
///
/// let rows = [[1.0, 9.0], [2.0, 9.5], [3.0, 8.0], [4.0, 8.5]];
/// let loss = |shuffled: Option<(usize, &[usize])>| {
///     // A model that predicts the first column, of targets that are the first column.
///     let first = |i: usize| match shuffled {
///         Some((0, order)) => rows[order[i]][0],
///         _ => rows[i][0],
///     };
///     Ok::<_, std::convert::Infallible>((0..4).map(|i| f64::abs(first(i) - rows[i][0])).sum())
/// };
/// let importance = permutation_importance(2, rows.len(), 5, 7, loss)?;
/// assert_eq!((importance[0].column, importance[1].mean), (0, 0.0));
/// assert!(importance[0].mean > 0.0);
/// # Ok::<(), std::convert::Infallible>(())
/// ```
///
/// # Errors
/// The first error that `loss` returns. With no repeats nothing is measured, and all numbers are NaN.
pub fn permutation_importance<E>(
    columns: usize,
    rows: usize,
    repeats: usize,
    seed: u64,
    mut loss: impl FnMut(Option<(usize, &[usize])>) -> Result<f64, E>,
) -> Result<Vec<Importance>, E> {
    let whole = loss(None)?;
    let mut order: Vec<usize> = (0..rows).collect();
    let mut increases = vec![Vec::new(); columns];
    for repeat in 0..repeats {
        shuffle_rows(&mut order, seed.wrapping_add(repeat as u64));
        for (column, increases) in increases.iter_mut().enumerate() {
            increases.push(loss(Some((column, &order)))? - whole);
        }
    }
    let mut found: Vec<Importance> = increases
        .iter()
        .enumerate()
        .map(|(column, increases)| {
            let mean = |numbers: &mut dyn Iterator<Item = f64>| numbers.sum::<f64>() / repeats as f64;
            let centre = mean(&mut increases.iter().copied());
            let spread = mean(&mut increases.iter().map(|x| (x - centre).powi(2))).sqrt();
            Importance { column, mean: centre, spread }
        })
        .collect();
    // A stable sort: equal ones stay in the order of the columns.
    found.sort_by(|a, b| a.mean.is_nan().cmp(&b.mean.is_nan()).then(b.mean.total_cmp(&a.mean)));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const ROWS: usize = 50;
    const REPEATS: usize = 4;

    /// Losses of a model that takes 3 times column 1 and once column 2, of three columns of row numbers.
    fn loss(shuffled: Option<(usize, &[usize])>) -> Result<f64, String> {
        let value = |column, i: usize| match shuffled {
            Some((here, order)) if here == column => order[i] as f64,
            _ => i as f64,
        };
        Ok((0..ROWS).map(|i| (3.0 * value(1, i) + value(2, i) - 4.0 * i as f64).abs()).sum())
    }

    #[test]
    fn what_the_model_uses_more_comes_first() {
        let found = permutation_importance(3, ROWS, REPEATS, 1, loss).unwrap();
        let columns: Vec<usize> = found.iter().map(|importance| importance.column).collect();
        assert_eq!(columns, [1, 2, 0]);
        // Same orders for all columns: three times the weight is three times the loss.
        assert!((found[0].mean / found[1].mean - 3.0).abs() < 1e-12);
        assert_eq!((found[2].mean, found[2].spread), (0.0, 0.0));
        assert!(found[0].spread > 0.0);
    }

    #[test]
    fn orders_are_a_function_of_the_seed() {
        let orders = |seed| {
            let seen = RefCell::new(Vec::new());
            permutation_importance(2, ROWS, REPEATS, seed, |shuffled| {
                seen.borrow_mut().push(shuffled.map(|(column, order)| (column, order.to_vec())));
                Ok::<_, String>(0.0)
            })
            .unwrap();
            seen.into_inner()
        };
        let seen = orders(3);
        assert_eq!((seen.len(), &seen[0]), (1 + 2 * REPEATS, &None));
        for shuffled in seen.iter().flatten() {
            let mut sorted = shuffled.1.clone();
            sorted.sort_unstable();
            assert!(sorted.into_iter().eq(0..ROWS) && !shuffled.1.iter().copied().eq(0..ROWS));
        }
        assert_eq!(seen, orders(3));
        assert_ne!(seen, orders(4));
    }

    #[test]
    fn nothing_to_shuffle_and_errors_are_no_panic() {
        assert_eq!(permutation_importance(0, 0, REPEATS, 1, loss).unwrap(), []);
        assert_eq!(permutation_importance(1, 0, 1, 1, |_| Ok::<_, String>(2.0)).unwrap()[0].mean, 0.0);
        assert!(permutation_importance(1, 1, 0, 1, |_| Ok::<_, String>(2.0)).unwrap()[0].mean.is_nan());
        assert_eq!(permutation_importance(1, 1, 1, 1, |_| Err::<f64, _>("no")), Err("no"));
        let last = permutation_importance(2, 1, 1, 1, |shuffled| {
            Ok::<_, String>(if matches!(shuffled, Some((0, _))) { f64::NAN } else { 0.0 })
        });
        assert_eq!(last.unwrap()[1].column, 0);
    }
}
