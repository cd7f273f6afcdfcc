//! Bars that lie, split where it is known into what.

use std::path::Path;

use plotters::prelude::*;

use crate::peers::Result;

pub struct Bar {
    pub name: String,
    /// In µs.
    pub total: f64,
    pub split: Vec<(&'static str, f64)>,
}

const HEIGHT: i32 = 26;
const LEFT: i32 = 260;
const WIDTH: i32 = 620;
const TOP: i32 = 46;

/// Draws nothing where there is nothing to draw.
pub fn draw(path: &Path, bars: &[Bar]) -> Result<()> {
    let most = bars.iter().map(|bar| bar.total).fold(0.0, f64::max);
    if most <= 0.0 {
        return Ok(());
    }
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in bars.iter().flat_map(|bar| &bar.split) {
        if !names.contains(name) {
            names.push(name);
        }
    }
    let rows = i32::try_from(bars.len())?;
    let height = TOP + HEIGHT * rows + 24 + 18 * i32::try_from(names.len() + 1)? + 12;
    let size = (u32::try_from(LEFT + WIDTH + 100)?, u32::try_from(height)?);
    let root = SVGBackend::new(path, size).into_drawing_area();
    root.fill(&WHITE)?;
    let text = |text: String, at: (i32, i32)| Text::new(text, at, ("sans-serif", 14));
    root.draw(&Text::new(
        "One handshake in memory: CPU µs of both ends, and what handfast's are made of",
        (12, 12),
        ("sans-serif", 18),
    ))?;
    let right_of = |cost: f64| LEFT + (cost / most * f64::from(WIDTH)).round() as i32;
    let mut top = TOP;
    for bar in bars {
        root.draw(&text(bar.name.clone(), (12, top + 4)))?;
        let bottom = top + HEIGHT - 6;
        let grey = RGBColor(190, 190, 190).filled();
        root.draw(&Rectangle::new([(LEFT, top), (right_of(bar.total), bottom)], grey))?;
        let mut from = 0.0;
        for (name, cost) in &bar.split {
            let at = names.iter().position(|known| known == name).unwrap_or_default();
            let box_of = [(right_of(from), top), (right_of(from + cost), bottom)];
            root.draw(&Rectangle::new(box_of, Palette99::pick(at).filled()))?;
            from += cost;
        }
        let end = right_of(bar.total.max(from)) + 6;
        root.draw(&text(format!("{:.0}", bar.total), (end, top + 4)))?;
        top += HEIGHT;
    }
    top += 12;
    for (at, name) in names.iter().enumerate() {
        let style = Palette99::pick(at).filled();
        root.draw(&Rectangle::new([(LEFT, top), (LEFT + 12, top + 12)], style))?;
        root.draw(&text((*name).to_owned(), (LEFT + 20, top)))?;
        top += 18;
    }
    let grey = RGBColor(190, 190, 190).filled();
    root.draw(&Rectangle::new([(LEFT, top), (LEFT + 12, top + 12)], grey))?;
    root.draw(&text("all else".to_owned(), (LEFT + 20, top)))?;
    root.present()?;
    Ok(())
}
