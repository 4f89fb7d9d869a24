//! What is shown to people.

use std::io::{self, Write};

/// Lines of cells, each column as wide as its widest cell.
pub(super) struct Table {
    columns: &'static [Column],
    rows: Vec<Vec<String>>,
}

/// A column.
pub(super) enum Column {
    /// Of texts.
    Text(&'static str),
    /// Of counts, which end below each other.
    Count(&'static str),
}

impl Table {
    pub(super) fn new(columns: &'static [Column]) -> Table {
        let head = |column: &Column| match column {
            Column::Text(head) | Column::Count(head) => (*head).to_owned(),
        };
        Table { columns, rows: vec![columns.iter().map(head).collect()] }
    }

    /// Adds a line with a cell for each column.
    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.iter().map(|cell| printable(cell)).collect());
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let width = |at: usize| self.rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
        let widths: Vec<usize> = (0..self.columns.len()).map(|at| width(at).unwrap_or_default()).collect();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, column), width) in row.iter().zip(self.columns).zip(&widths) {
                let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
                line += &match column {
                    Column::Text(_) => format!("{cell}{padding}  "),
                    Column::Count(_) => format!("{padding}{cell}  "),
                };
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Text of others as a terminal may show it: what it would take for a command is spelled out.
pub(super) fn printable(text: &str) -> String {
    let escaped = |char: char| match char.is_control() {
        true => char.escape_default().to_string(),
        false => char.to_string(),
    };
    text.chars().map(escaped).collect()
}

/// `1 entry`, `2 entries`.
pub(super) fn count(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
