//! Plots as SVG inside of the page. No text in them comes from outside; colours are those that the style sheet changes in the dark.

use std::fmt::Write;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Pixels of a plot that is not scaled.
const WIDTH: u32 = 460;
const HEIGHT: u32 = 300;
/// Plotters rounds to whole pixels: a plot is drawn so many times as large, and shrunk by the browser.
const FINE: u32 = 4;
/// Pixels of a letter.
const FONT: f64 = 14.0;
/// What plotters multiplies the size of letters by, and its SVG divides by.
const FONT_SCALE: f64 = 1.24;
/// Points of a curve or a cloud at most. More are neither seen nor drawn in time.
pub(super) const MOST_POINTS: usize = 2000;
/// Numbers that are larger are left out: the ticks of an axis are computed from differences, which must be finite.
const LARGEST: f64 = 1e100;

/// Colours, as the style sheet names them.
const INK: RGBColor = RGBColor(0x1F, 0x23, 0x28);
const GRID: RGBColor = RGBColor(0xD0, 0xD7, 0xDE);
const SOFT: RGBColor = RGBColor(0x59, 0x63, 0x6E);
pub(super) const FIRST: RGBColor = RGBColor(0x25, 0x63, 0xEB);
pub(super) const SECOND: RGBColor = RGBColor(0xC2, 0x41, 0x0C);

/// Points, in the order in which they are joined.
pub(super) struct Series {
    pub points: Vec<(f64, f64)>,
    pub colour: RGBColor,
    pub shape: Shape,
}

/// How points are drawn.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Shape {
    Line,
    /// A line with a dot at each point.
    Dotted,
    /// Translucent dots.
    Cloud,
}

/// A plot to be drawn.
pub(super) struct Plot<'a> {
    /// What it shows, to who does not see it. HTML.
    pub label: &'a str,
    pub x: &'a str,
    /// Whether there is nothing between whole numbers of x.
    pub whole: bool,
    pub y: &'a str,
    pub series: Vec<Series>,
    /// Both axes have these bounds, and a line marks where they are equal.
    pub diagonal: Option<(f64, f64)>,
    /// A vertical line, and what it marks.
    pub mark: Option<(f64, String)>,
}

/// At most [`MOST_POINTS`] of the points that can be drawn, evenly chosen, the last one among them.
pub(super) fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let drawn = |p: &&(f64, f64)| p.0.abs() <= LARGEST && p.1.abs() <= LARGEST;
    let usable: Vec<(f64, f64)> = points.iter().filter(drawn).copied().collect();
    let step = usable.len().div_ceil(MOST_POINTS).max(1);
    let mut kept: Vec<(f64, f64)> = usable.iter().rev().step_by(step).copied().collect();
    kept.reverse();
    kept
}

/// Bounds of an axis, with a little space around the numbers; never so near each other that ticks between them are equal.
pub(super) fn bounds(numbers: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let least = numbers.clone().fold(f64::INFINITY, f64::min);
    let most = numbers.fold(f64::NEG_INFINITY, f64::max);
    if least > most {
        return (0.0, 1.0);
    }
    let size = least.abs().max(most.abs());
    // Around one number, half of it; else at least what ticks of six digits tell apart.
    let space = match least == most {
        true if size == 0.0 => 0.5,
        true => size * 0.5,
        false => ((most - least) * 0.04).max(size * 1e-4),
    };
    let space = space.max(1e-100);
    // An axis of numbers that are not negative does not show negative ones.
    let from = if least >= 0.0 { (least - space).max(0.0) } else { least - space };
    (from, most + space)
}

/// A whole number at a tick; nothing between them.
fn whole_tick(x: f64) -> String {
    if (x - x.round()).abs() < 1e-9 { tick(x.round()) } else { String::new() }
}

/// A number at a tick: as short as it can be.
fn tick(x: f64) -> String {
    if x == 0.0 || x.abs() < 1e-95 {
        return "0".to_owned();
    }
    let exponent = x.abs().log10().floor();
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if (-4.0..7.0).contains(&exponent) {
        let decimals = (5.0 - exponent).max(0.0) as usize;
        return trimmed(&format!("{x:.decimals$}"));
    }
    let text = format!("{x:.3e}");
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    format!("{}e{power}", trimmed(digits))
}

impl Plot<'_> {
    /// The plot as an element of HTML.
    pub(super) fn svg(&self) -> String {
        let height = if self.diagonal.is_some() { WIDTH } else { HEIGHT };
        let size = (WIDTH.saturating_mul(FINE), height.saturating_mul(FINE));
        let mut drawn = String::new();
        let done = self.draw(&SVGBackend::with_string(&mut drawn, size).into_drawing_area());
        // The size and the name space are the page's to say.
        let content = drawn.split_once('>').map_or("", |(_, content)| content);
        if done.is_err() || content.is_empty() {
            return format!("<p class=\"soft\">{}: this plot can't be drawn.</p>\n", self.label);
        }
        let class = if self.diagonal.is_some() { "square" } else { "wide" };
        let mut svg = String::new();
        let (width, height) = size;
        // Writing to a string does not fail.
        let _ = write!(
            svg,
            "<svg class=\"{class}\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">{content}",
            self.label
        );
        svg
    }

    fn draw(
        &self,
        area: &DrawingArea<SVGBackend<'_>, Shift>,
    ) -> Result<(), DrawingAreaErrorKind<<SVGBackend<'_> as DrawingBackend>::ErrorType>> {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let mark = self.mark.iter().map(|(x, _)| *x);
        let x = self.diagonal.unwrap_or_else(|| bounds(points().map(|p| p.0).chain(mark)));
        let y = self.diagonal.unwrap_or_else(|| bounds(points().map(|p| p.1)));
        let fine = |pixels: u32| pixels.saturating_mul(FINE);
        let font = || ("sans-serif", FONT * f64::from(FINE) * FONT_SCALE).into_font().color(&INK);
        let line = |colour: RGBColor, width: u32| colour.stroke_width(fine(width));
        let mut chart = ChartBuilder::on(area)
            .margin(fine(8))
            .margin_right(fine(16))
            .x_label_area_size(fine(46))
            .y_label_area_size(fine(80))
            .build_cartesian_2d(x.0..x.1, y.0..y.1)?;
        let grid = chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(line(GRID, 1))
            .axis_style(line(SOFT, 1))
            .set_all_tick_mark_size(fine(5))
            .x_labels(6)
            .y_labels(6)
            .label_style(font())
            .axis_desc_style(font())
            .x_desc(self.x)
            .y_desc(self.y)
            .x_label_formatter(&|x| if self.whole { whole_tick(*x) } else { tick(*x) })
            .y_label_formatter(&|y| tick(*y))
            .draw();
        grid?;
        if let Some((from, to)) = self.diagonal {
            chart.draw_series(LineSeries::new([(from, from), (to, to)], line(SOFT, 1)))?;
        }
        if let Some((at, words)) = &self.mark {
            chart.draw_series(LineSeries::new([(*at, y.0), (*at, y.1)], line(SOFT, 1)))?;
            // Beside the line, on the side where there is room.
            let gap = fine(6).cast_signed();
            let (side, shift) =
                if *at > (x.0 + x.1) / 2.0 { (HPos::Right, gap.saturating_neg()) } else { (HPos::Left, gap) };
            let top = chart.backend_coord(&(*at, y.1));
            let style = font().pos(Pos::new(side, VPos::Top));
            area.draw(&Text::new(words.as_str(), (top.0.saturating_add(shift), top.1), style))?;
        }
        for series in &self.series {
            let colour = series.colour;
            if series.shape != Shape::Cloud {
                chart.draw_series(LineSeries::new(series.points.iter().copied(), line(colour, 2)))?;
            }
            // A curve of one point is seen as a dot only.
            if series.shape != Shape::Line || series.points.len() == 1 {
                let filled = if series.shape == Shape::Cloud { colour.mix(0.5).filled() } else { colour.filled() };
                let radius = if series.shape == Shape::Cloud { 3 } else { 4 };
                chart.draw_series(series.points.iter().map(|p| Circle::new(*p, fine(radius), filled)))?;
            }
        }
        area.present()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_short() {
        let shown = [0.2, 1.0, -2.5, 1e-3, 25_000.0, 1.5e9, 2e-7, 0.0, 123.456].map(tick);
        assert_eq!(shown, ["0.2", "1", "-2.5", "0.001", "25000", "1.5e9", "2e-7", "0", "123.456"]);
    }

    #[test]
    fn axes_are_wider_than_their_ticks_tell_apart() {
        assert_eq!(bounds([1.0, 1.0].into_iter()), (0.5, 1.5));
        assert_eq!(bounds([0.0].into_iter()), (0.0, 0.5));
        assert_eq!(bounds(std::iter::empty()), (0.0, 1.0));
        let (from, to) = bounds([1.0, 1.0 + 1e-12].into_iter());
        assert_ne!(tick(from), tick(to));
        assert_eq!([whole_tick(3.0), whole_tick(2.5)], ["3", ""]);
    }

    #[test]
    fn many_points_are_thinned_and_keep_the_last() {
        let many: Vec<(f64, f64)> = (0..MOST_POINTS * 3 + 1).map(|i| (i as f64, 0.0)).collect();
        let kept = thinned(&many);
        assert!(kept.len() <= MOST_POINTS && kept.len() > MOST_POINTS / 2);
        assert_eq!(kept.last(), many.last());
        assert_eq!(thinned(&[(f64::NAN, 1.0), (1.0, f64::INFINITY), (1.0, 2.0), (1e300, 0.0)]), [(1.0, 2.0)]);
    }

    #[test]
    fn any_numbers_can_be_drawn() {
        let extremes = [
            vec![],
            vec![(1.0, 1.0)],
            vec![(1e16, 1e16), (1e16 + 2.0, 1e16 + 2.0)],
            vec![(LARGEST, -LARGEST), (-LARGEST, LARGEST)],
            vec![(5e-324, 5e-324), (0.0, 0.0)],
            vec![(0.1, 0.1), (0.1 + f64::EPSILON, 0.1)],
            vec![(-3.0, 7.0), (-2.0, 7.0)],
        ];
        for points in extremes {
            for shape in [Shape::Line, Shape::Dotted, Shape::Cloud] {
                let all = points.iter().flat_map(|p| [p.0, p.1]);
                for diagonal in [None, Some(bounds(all.clone()))] {
                    let mark = points.first().map(|p| (p.0, "best".to_owned()));
                    let series = vec![Series { points: points.clone(), colour: FIRST, shape }];
                    let svg = Plot { label: "a plot", x: "x", y: "y", whole: false, series, diagonal, mark }.svg();
                    assert!(svg.starts_with("<svg class=") && svg.trim_end().ends_with("</svg>"), "{points:?}: {svg}");
                    assert!(!svg.contains("http") && !svg.contains("NaN"), "{svg}");
                }
            }
        }
    }
}
