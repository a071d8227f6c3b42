//! Columns under one another.
//! The summary fills tables in and prints them.
//! Whatever width a column needs, a line stays within a bound where it can: columns that do not fit follow below.

use std::fmt;

/// Width of a line past which columns go below.
const MAX_WIDTH: usize = 150;
/// Rows that are shown.
const MAX_ROWS: usize = 40;

/// Cells in rows. The first columns name a row, the others hold its values.
#[derive(Debug, Default)]
pub(super) struct Table {
    head: Vec<String>,
    names: usize,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table whose first `names` columns name a row.
    pub(super) fn new(head: Vec<String>, names: usize) -> Self {
        Table { head, names, rows: Vec::new() }
    }

    /// Adds a row with a cell for each column.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The columns in groups that fit on a line.
    fn blocks(&self, widths: &[usize]) -> Vec<Vec<usize>> {
        let width = |columns: &[usize]| columns.iter().map(|column| widths[*column] + 2).sum::<usize>();
        let names: Vec<usize> = (0..self.names).collect();
        let mut blocks = Vec::new();
        let mut block = names.clone();
        for (column, own) in widths.iter().enumerate().skip(self.names) {
            if block.len() > self.names && width(&block) + own + 2 > MAX_WIDTH {
                blocks.push(std::mem::replace(&mut block, names.clone()));
            }
            block.push(column);
        }
        blocks.push(block);
        blocks
    }

    fn line(&self, f: &mut fmt::Formatter<'_>, cells: &[String], block: &[usize], widths: &[usize]) -> fmt::Result {
        let mut line = String::new();
        for column in block {
            let (cell, width) = (&cells[*column], widths[*column]);
            line.push_str(&if *column < self.names { format!("  {cell:<width$}") } else { format!("  {cell:>width$}") });
        }
        writeln!(f, "{}", line.trim_end())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.rows[..self.rows.len().min(MAX_ROWS)];
        let widths: Vec<usize> = (0..self.head.len())
            .map(|column| shown.iter().chain([&self.head]).map(|cells| cells[column].chars().count()).max().unwrap_or_default())
            .collect();
        for block in self.blocks(&widths) {
            for cells in [&self.head].into_iter().chain(shown) {
                self.line(f, cells, &block, &widths)?;
            }
        }
        match self.rows.len() - shown.len() {
            0 => Ok(()),
            more => writeln!(f, "  … and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn names_stand_left_and_values_right() {
        let mut table = Table::new(cells(&["node", "items"]), 1);
        table.row(cells(&["batch", "7"]));
        table.row(cells(&["é", "12,345"]));
        assert_eq!(table.to_string(), "  node    items\n  batch       7\n  é      12,345\n");
    }

    #[test]
    fn columns_that_do_not_fit_follow_below_with_the_names_again() {
        let wide = "w".repeat(100);
        let mut table = Table::new(cells(&["node", "a", "b"]), 1);
        table.row(cells(&["n", &wide, &wide]));
        let text = table.to_string();
        assert_eq!(text.lines().filter(|line| line.starts_with("  node")).count(), 2);
        assert!(text.lines().all(|line| line.len() <= MAX_WIDTH));
    }

    #[test]
    fn of_many_rows_the_first_are_shown_and_the_others_counted() {
        let mut table = Table::new(cells(&["node", "n"]), 1);
        (0..100).for_each(|row| table.row(cells(&["x", &row.to_string()])));
        assert_eq!(table.to_string().lines().count(), 1 + MAX_ROWS + 1);
        assert!(table.to_string().ends_with("  … and 60 more\n"));
    }
}
