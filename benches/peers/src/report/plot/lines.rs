//! Lines between logarithmic axes, on which equal ratios are equally far apart.

use std::path::Path;

use plotters::prelude::*;

use crate::peers::Result;

pub struct Line {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

pub struct Chart {
    pub title: String,
    pub x: &'static str,
    pub y: &'static str,
    /// What the ticks of the lower axis are powers of.
    pub base: f64,
}

fn short(number: &f64) -> String {
    match *number {
        n if n >= 1024.0 && n % 1024.0 == 0.0 => format!("{} Ki", n / 1024.0),
        n => format!("{n:.0}"),
    }
}

impl Chart {
    /// Draws nothing where there is nothing to draw.
    pub fn draw(&self, path: &Path, lines: &[Line]) -> Result<()> {
        let points = || lines.iter().flat_map(|line| &line.points);
        let least = points().map(|(x, _)| *x).fold(f64::MAX, f64::min);
        let most = points().map(|(x, _)| *x).fold(f64::MIN, f64::max);
        let top = points().map(|(_, y)| *y).fold(f64::MIN, f64::max) * 1.6;
        let bottom = points().map(|(_, y)| *y).fold(f64::MAX, f64::min) * 0.9;
        if least >= most || bottom <= 0.0 {
            return Ok(());
        }
        let root = SVGBackend::new(path, (960, 560)).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(&self.title, ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(72)
            .build_cartesian_2d(
                (least..most * 1.05).log_scale().base(self.base),
                (bottom..top).log_scale().base(2.0),
            )?;
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc(self.y)
            .x_label_formatter(&short)
            .y_label_formatter(&|number| format!("{number:.0}"))
            .light_line_style(WHITE)
            .draw()?;
        for (at, line) in lines.iter().enumerate() {
            let style = Palette99::pick(at).stroke_width(2);
            let dots = line.points.iter().map(|point| Circle::new(*point, 3, style.filled()));
            chart
                .draw_series(LineSeries::new(line.points.iter().copied(), style))?
                .label(&line.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
            chart.draw_series(dots)?;
        }
        chart
            .configure_series_labels()
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.3))
            .position(SeriesLabelPosition::UpperLeft)
            .draw()?;
        root.present()?;
        Ok(())
    }
}
