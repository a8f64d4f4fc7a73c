//! Columns from text with tabs.

/// Puts the columns of consecutive lines with tabs below each other: the first to the left, the others, which are
/// numbers, to the right. Lines without a tab stay as they are and separate one table from the next.
pub(crate) fn align(text: &str) -> String {
    let mut aligned = String::new();
    let mut rows: Vec<Vec<&str>> = Vec::new();
    for line in text.lines() {
        if line.contains('\t') {
            rows.push(line.split('\t').collect());
            continue;
        }
        flush(&mut rows, &mut aligned);
        aligned.push_str(line);
        aligned.push('\n');
    }
    flush(&mut rows, &mut aligned);
    aligned
}

fn flush(rows: &mut Vec<Vec<&str>>, aligned: &mut String) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell: &&str| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    for row in rows.iter() {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        aligned.push_str(line.trim_end());
        aligned.push('\n');
    }
    rows.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let text = "client\trecords/s\tratio\nours\t1000\t2.0\nkafkajs\t500\n\nnote\na\tb\n";
        let wanted =
            "client   records/s  ratio\nours          1000    2.0\nkafkajs        500\n\nnote\na  b\n";
        assert_eq!(align(text), wanted);
    }
}
