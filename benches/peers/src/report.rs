//! What becomes of the figures.

mod json;
mod limits;
mod machine;
mod plot;
mod table;
mod targets;

use crate::args::Args;
use crate::measure::median;
use crate::peers::Result;
use crate::variant::Variant;

/// One figure of one library under one load, taken in every round.
#[derive(Debug, Clone)]
pub struct Row {
    pub load: String,
    pub name: String,
    /// None for what is no library: bare primitives, and limits made of them.
    pub variant: Option<Variant>,
    pub metric: String,
    pub samples: Vec<f64>,
}

impl Row {
    pub fn median(&self) -> f64 {
        median(&self.samples)
    }

    /// How many times `other` it is: the median over the rounds, each of which measured both
    /// shortly after one another.
    pub fn over(&self, other: &Self) -> f64 {
        if self.samples.len() != other.samples.len() {
            return self.median() / other.median();
        }
        let ratios: Vec<_> =
            self.samples.iter().zip(&other.samples).map(|(ours, theirs)| ours / theirs).collect();
        median(&ratios)
    }

    /// Adds a sample to the row that it belongs to.
    pub fn add(
        rows: &mut Vec<Self>,
        load: &str,
        name: &str,
        variant: Option<Variant>,
        metric: &str,
        sample: f64,
    ) {
        let same = |row: &&mut Self| row.load == load && row.name == name && row.metric == metric;
        match rows.iter_mut().find(same) {
            Some(row) => row.samples.push(sample),
            None => rows.push(Self {
                load: load.to_owned(),
                name: name.to_owned(),
                variant,
                metric: metric.to_owned(),
                samples: vec![sample],
            }),
        }
    }
}

/// Prints the table, and writes what else is asked for.
pub fn write(args: &Args, mut rows: Vec<Row>) -> Result<()> {
    limits::add(&mut rows);
    let targets = targets::targets(&rows);
    println!("{}", table::table(&rows));
    println!("{}", table::targets(&targets));
    println!("{}", table::surroundings());
    if let Some(path) = &args.json {
        json::write(path, &rows, &targets)?;
    }
    if let Some(directory) = &args.plot {
        plot::draw(directory, &rows)?;
    }
    Ok(())
}
