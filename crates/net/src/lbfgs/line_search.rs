//! A line search by the strong Wolfe conditions, step by step as PyTorch's: brackets, cubic interpolation, zoom.
//!
//! One thing is not PyTorch's: a loss that is NaN counts as infinite, and where an interpolation is no number, the middle is taken. PyTorch's
//! parameters become NaN there.

use nxm_kernels::beside::{add, div, mul, sqrt, sub, widened};
use nxm_kernels::{Element, Executor, MatrixRef};

use super::{add_scaled, largest, product};
use crate::data::Targets;
use crate::error::NetError;
use crate::layer::{matrix, matrix_mut};
use crate::layout::LayerLayout;
use crate::network::Network;
use crate::step::Step;

/// A step is long enough if the loss falls by this share of what its slope promises.
const C1: f64 = 1e-4;
/// And flat enough if at most this share of the slope at its start is left.
const C2: f64 = 0.9;

/// Where the loss is looked for: a network whose parameters are moved, and examples.
pub(super) struct Search<'a, T: Element> {
    pub(super) network: &'a mut Network<T>,
    pub(super) executor: &'a dyn Executor,
    pub(super) step: &'a mut Step<T>,
    pub(super) x: MatrixRef<'a, T>,
    pub(super) targets: Targets<'a, T>,
    /// The parameters where a line begins, layer by layer, without padding. Norms have theirs, and running statistics are none.
    pub(super) start: Vec<T>,
    /// Room for those that are tried.
    pub(super) here: Vec<T>,
}

/// A point of a line.
#[derive(Clone, Debug)]
pub(super) struct Point<T> {
    /// t: it is t·d from the start.
    pub(super) length: f64,
    pub(super) loss: f64,
    /// g·d.
    pub(super) slope: f64,
    pub(super) gradient: Vec<T>,
}

/// The point that was found, and how many were tried.
pub(super) struct Found<T> {
    pub(super) point: Point<T>,
    pub(super) evaluations: usize,
}

impl<T: Element> Search<'_, T> {
    /// Loss and gradient where the parameters are. Gradients are in the order of [`LayerLayout::places`]; of what a layer lacks they are empty.
    pub(super) fn evaluate(&mut self) -> Result<(f64, Vec<T>), NetError> {
        let loss = self.step.gradients(self.network, self.executor, self.x, self.targets)?;
        let layers = 0..self.network.layers().len();
        let gradients = layers.flat_map(|l| [self.step.weight_gradient(l), self.step.bias_gradient(l)]);
        let mut gradient = Vec::with_capacity(self.start.len());
        gradients.for_each(|part| (0..part.rows()).for_each(|i| gradient.extend_from_slice(part.row(i))));
        Ok((widened(loss), gradient))
    }

    /// A line begins where the parameters are.
    pub(super) fn begin(&mut self) {
        let mut to = &mut self.start[..];
        let mut put = |from: &[T]| {
            let (head, rest) = std::mem::take(&mut to).split_at_mut(from.len());
            head.copy_from_slice(from);
            to = rest;
        };
        let Network { layout, parameters } = &*self.network;
        for place in layout.layers.iter().flat_map(LayerLayout::places) {
            let numbers = matrix(parameters.as_slice(), place);
            (0..numbers.rows()).for_each(|i| put(numbers.row(i)));
        }
    }

    /// Moves the parameters to start + t·d: 1 `axpy`.
    pub(super) fn go(&mut self, length: f64, direction: &[T]) -> Result<(), NetError> {
        self.here.copy_from_slice(&self.start);
        add_scaled(self.executor, length, direction, &mut self.here);
        let mut from = &self.here[..];
        let mut take = |to: &mut [T]| {
            let (head, rest) = from.split_at(to.len());
            to.copy_from_slice(head);
            from = rest;
        };
        let Network { layout, parameters } = &mut *self.network;
        for place in layout.layers.iter().flat_map(LayerLayout::places) {
            let mut numbers = matrix_mut(parameters.as_mut_slice(), place);
            (0..place.layout.rows).for_each(|i| take(numbers.row(i)));
        }
        Ok(())
    }

    /// The point start + t·d: 1 `axpy`, the gradients, 1 `dot`.
    fn at(&mut self, length: f64, direction: &[T]) -> Result<Point<T>, NetError> {
        self.go(length, direction)?;
        let (loss, gradient) = self.evaluate()?;
        let slope = product(self.executor, &gradient, direction);
        let loss = if loss.is_nan() { f64::INFINITY } else { loss };
        Ok(Point { length, loss, slope, gradient })
    }
}

/// A point with a loss that is low enough and a slope that is flat enough; where `most` trials find none, the lowest of those between which one
/// must be. `from` is the start, and `length` is tried first.
pub(super) fn strong_wolfe<T: Element>(
    search: &mut Search<'_, T>,
    direction: &[T],
    length: f64,
    from: &Point<T>,
    change_tolerance: f64,
    most: usize,
) -> Result<Found<T>, NetError> {
    let is_high = |point: &Point<T>| point.loss > add(from.loss, mul(mul(C1, point.length), from.slope));
    let is_flat = |point: &Point<T>| point.slope.abs() <= mul(C2, from.slope.abs());
    let mut point = search.at(length, direction)?;
    let (mut before, mut evaluations, mut trials, mut done) = (from.clone(), 1, 0, false);
    let mut bracket = loop {
        if trials >= most {
            break vec![from.clone(), point];
        }
        if is_high(&point) || (trials > 1 && point.loss >= before.loss) {
            break vec![before, point];
        }
        if is_flat(&point) {
            done = true;
            break vec![point];
        }
        if point.slope >= 0.0 {
            break vec![before, point];
        }
        // It still falls: further.
        let least = add(point.length, mul(0.01, sub(point.length, before.length)));
        let next = interpolated(&before, &point, [least, mul(point.length, 10.0)]);
        before = std::mem::replace(&mut point, search.at(next, direction)?);
        evaluations += 1;
        trials += 1;
    };

    let lower = |bracket: &[Point<T>]| if bracket[0].loss <= bracket[bracket.len() - 1].loss { [0, 1] } else { [1, 0] };
    let [mut low, mut high] = lower(&bracket);
    let (mut is_slow, widest) = (false, largest(direction));
    while !done && trials < most {
        let [one, other] = [bracket[0].length, bracket[1].length];
        if mul(sub(other, one).abs(), widest) < change_tolerance {
            break;
        }
        let (least, largest) = (one.min(other), one.max(other));
        let mut next = interpolated(&bracket[0], &bracket[1], [least, largest]);
        // Close to an end twice, or at it: a tenth away from it.
        let tenth = mul(0.1, sub(largest, least));
        let is_close = sub(largest, next).min(sub(next, least)) < tenth;
        if is_close && (is_slow || next >= largest || next <= least) {
            let at_largest = sub(next, largest).abs() < sub(next, least).abs();
            next = if at_largest { sub(largest, tenth) } else { add(least, tenth) };
            is_slow = false;
        } else {
            is_slow = is_close;
        }
        let point = search.at(next, direction)?;
        evaluations += 1;
        trials += 1;
        if is_high(&point) || point.loss >= bracket[low].loss {
            bracket[high] = point;
            [low, high] = lower(&bracket);
        } else {
            if is_flat(&point) {
                done = true;
            } else if mul(point.slope, sub(bracket[high].length, bracket[low].length)) >= 0.0 {
                bracket[high] = bracket[low].clone();
            }
            bracket[low] = point;
        }
    }
    Ok(Found { point: bracket.swap_remove(low), evaluations })
}

/// The minimum of the cubic through two points with these losses and slopes, within bounds; their middle if there is none.
fn interpolated<T>(one: &Point<T>, other: &Point<T>, [least, most]: [f64; 2]) -> f64 {
    let middle = || div(add(least, most), 2.0);
    let (x1, x2) = (one.length, other.length);
    let (g1, g2) = (one.slope, other.slope);
    let secant = div(mul(3.0, sub(one.loss, other.loss)), sub(x1, x2));
    let d1 = sub(add(g1, g2), secant);
    let square = sub(mul(d1, d1), mul(g1, g2));
    if !(square >= 0.0 && square.is_finite()) {
        return middle();
    }
    let d2 = sqrt(square);
    let minimum = if x1 <= x2 {
        let share = div(sub(add(g2, d2), d1), add(sub(g2, g1), mul(2.0, d2)));
        sub(x2, mul(sub(x2, x1), share))
    } else {
        let share = div(sub(add(g1, d2), d1), add(sub(g1, g2), mul(2.0, d2)));
        sub(x1, mul(sub(x1, x2), share))
    };
    if minimum.is_nan() { middle() } else { minimum.max(least).min(most) }
}
