//! The bad rows of a list file.

use std::collections::BTreeMap;

use serde::Serialize;

use super::problem::Problem;
use crate::lists::{Report, RowError};

/// How many rows are wrong, of which kinds, and the first hundred of them.
#[derive(Serialize)]
pub(super) struct ReportBody {
    rejected: u64,
    kinds: BTreeMap<&'static str, u64>,
    errors: Vec<RowBody>,
}

#[derive(Serialize)]
struct RowBody {
    line: u64,
    column: usize,
    cell: Box<str>,
    kind: &'static str,
    detail: String,
}

impl ReportBody {
    /// The same members in a problem.
    pub(super) fn told_in(self, problem: Problem) -> Problem {
        problem.with("rejected", self.rejected).with("kinds", self.kinds).with("errors", self.errors)
    }
}

impl From<Report> for ReportBody {
    fn from(report: Report) -> ReportBody {
        let row = |RowError { line, column, cell, reason }| RowBody {
            line,
            column,
            cell,
            kind: reason.kind(),
            detail: reason.to_string(),
        };
        ReportBody {
            rejected: report.total,
            kinds: report.kinds.into_iter().collect(),
            errors: report.rows.into_iter().map(row).collect(),
        }
    }
}
