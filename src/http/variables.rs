//! How variables and secrets are read: text by text, with every problem kept for the operator.

use std::fmt;
use std::ops::RangeInclusive;

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable, secret or binding.
    pub name: &'static str,
    /// What is wrong with it; never its value.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.name, self.what)
    }
}

/// Reads variables, and keeps what is wrong with them.
pub struct Reader<'a> {
    variable: &'a dyn Fn(&'static str) -> Option<String>,
    /// What is wrong so far.
    pub problems: Vec<Problem>,
    /// What could be set and is not.
    pub not_set: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    /// Reads from a function that gives the text of a variable or secret; an empty one counts as not set.
    pub fn new(variable: &'a dyn Fn(&'static str) -> Option<String>) -> Self {
        Self { variable, problems: Vec::new(), not_set: Vec::new() }
    }

    /// The text, if it is set.
    pub fn text(&self, name: &'static str) -> Option<String> {
        (self.variable)(name).filter(|text| !text.is_empty())
    }

    /// The text, if it is set; noted where it is not.
    pub fn optional_text(&mut self, name: &'static str) -> Option<String> {
        let text = self.text(name);
        if text.is_none() {
            self.not_set.push(name);
        }
        text
    }

    /// Notes a problem.
    pub fn problem(&mut self, name: &'static str, what: impl Into<String>) {
        self.problems.push(Problem { name, what: what.into() });
    }

    /// An optional value that has to pass a check.
    pub fn checked<T>(&mut self, name: &'static str, what: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.optional_text(name)?;
        let value = parse(&text);
        if value.is_none() {
            self.problem(name, what);
        }
        value
    }

    /// One of some words; nothing where it is not set or wrong.
    pub fn choice<T: Copy, const N: usize>(&mut self, name: &'static str, choices: [(&str, T); N]) -> Option<T> {
        let text = self.text(name)?;
        let chosen = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if chosen.is_none() {
            let words: Vec<_> = choices.iter().map(|(word, _)| format!("`{word}`")).collect();
            self.problem(name, format!("is none of {}", words.join(", ")));
        }
        chosen
    }

    /// A whole number in a range.
    pub fn number(&mut self, name: &'static str, default: u32, range: RangeInclusive<u32>) -> u32 {
        let Some(text) = self.text(name) else {
            return default;
        };
        match text.parse() {
            Ok(number) if range.contains(&number) => number,
            _ => {
                self.problem(name, format!("is no whole number from {} to {}", range.start(), range.end()));
                default
            }
        }
    }
}
