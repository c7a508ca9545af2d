//! Plots as SVG.

use crate::world::Failed;
use plotters::prelude::*;
use std::fmt::Display;
use std::path::Path;

/// Points that belong together.
pub struct Series {
    /// What they are.
    pub name: String,
    /// x and y of each.
    pub points: Vec<(f64, f64)>,
}

const SIZE: (u32, u32) = (720, 400);
const FONT: &str = "sans-serif";
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 90, 160),
    RGBColor(210, 90, 20),
    RGBColor(60, 140, 60),
    RGBColor(130, 70, 150),
    RGBColor(120, 120, 120),
];

/// Series over two logarithmic axes.
///
/// # Errors
/// There is no point, or the file cannot be written.
pub fn lines(
    path: &Path,
    title: &str,
    (x, y): (&str, &str),
    series: &[Series],
) -> Result<(), Failed> {
    let points = || series.iter().flat_map(|series| &series.points);
    let range = |pick: fn(&(f64, f64)) -> f64| {
        let least = points().map(pick).fold(f64::INFINITY, f64::min);
        let most = points().map(pick).fold(0.0, f64::max);
        (least / 1.3)..(most * 1.3)
    };
    if points().next().is_none() {
        return Err(format!("nothing to plot in {title}").into());
    }
    let (across, up) = (range(|point| point.0), range(|point| point.1));
    // The names stand above the lines.
    let up = up.start..(up.end * (up.end / up.start).powf(0.4));
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, (FONT, 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(64)
        .build_cartesian_2d(across.log_scale(), up.log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc(x)
        .y_desc(y)
        .x_label_formatter(&|value| short(*value))
        .y_label_formatter(&|value| short(*value))
        .draw()?;
    for (series, colour) in series.iter().zip(COLOURS.into_iter().cycle()) {
        let points = series.points.iter().copied();
        chart
            .draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))?
            .label(&series.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(points.map(|point| Circle::new(point, 3, colour.filled())))?;
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .position(SeriesLabelPosition::UpperLeft)
        .draw()?;
    Ok(area.present()?)
}

/// A bar for each value, across, on a logarithmic axis.
///
/// # Errors
/// There is no value, or the file cannot be written.
pub fn bars(path: &Path, title: &str, unit: &str, values: &[(String, f64)]) -> Result<(), Failed> {
    let most = values.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let least = values
        .iter()
        .map(|(_, value)| *value)
        .fold(f64::INFINITY, f64::min);
    if values.is_empty() {
        return Err(format!("nothing to plot in {title}").into());
    }
    let from = least / 3.0;
    let rows = i32::try_from(values.len())?;
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, (FONT, 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(150)
        .build_cartesian_2d((from..most * 3.0).log_scale(), (0..rows).into_segmented())?;
    let name = |row: &SegmentValue<i32>| match row {
        SegmentValue::CenterOf(row) => {
            let row = usize::try_from(rows - 1 - row).ok();
            let value = row.and_then(|row| values.get(row));
            value.map(|(name, _)| name.clone()).unwrap_or_default()
        }
        _ => String::new(),
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc(unit)
        .x_label_formatter(&|value| short(*value))
        .y_label_formatter(&name)
        .draw()?;
    for (row, ((_, value), colour)) in (0..rows)
        .rev()
        .zip(values.iter().zip(COLOURS.into_iter().cycle()))
    {
        let corners = [
            (from, SegmentValue::Exact(row)),
            (*value, SegmentValue::Exact(row + 1)),
        ];
        let mut bar = Rectangle::new(corners, colour.mix(0.8).filled());
        bar.set_margin(6, 6, 0, 0);
        let place = (*value * 1.05, SegmentValue::CenterOf(row));
        chart.draw_series([bar])?;
        chart.draw_series([Text::new(short(*value), place, (FONT, 13))])?;
    }
    Ok(area.present()?)
}

/// A number as readers want it: three digits, thousands apart.
#[must_use]
pub fn short(value: f64) -> String {
    let digits = |digits: usize| format!("{value:.digits$}");
    match value {
        _ if value >= 1000.0 => thousands(digits(0)),
        _ if value >= 100.0 || value.fract() == 0.0 => digits(0),
        _ if value >= 10.0 => digits(1),
        _ if value >= 0.1 => digits(2),
        _ => digits(3),
    }
}

fn thousands(number: impl Display) -> String {
    let number = number.to_string();
    let mut shown = String::new();
    for (n, digit) in number.chars().enumerate() {
        if n > 0 && (number.len() - n).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_three_digits_or_its_thousands_apart() {
        let shown = [0.0123, 0.5, 3.0, 12.34, 123.4, 1000.0, 1_234_567.8].map(short);
        assert_eq!(
            shown,
            ["0.012", "0.50", "3", "12.3", "123", "1,000", "1,234,568"]
        );
    }
}
