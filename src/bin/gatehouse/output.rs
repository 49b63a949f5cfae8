//! What is printed: tables and lines for people, JSON for scripts. A reader that goes away is no error.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::failure::Failure;

/// Standard output.
pub struct Output {
    /// Whether scripts read it.
    pub is_json: bool,
}

impl Output {
    pub fn new(is_json: bool) -> Self {
        Self { is_json }
    }

    pub fn text(&mut self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.write_all(b"\n")?;
        Ok(stdout.flush()?)
    }

    pub fn json(&mut self, value: &Value) -> Result<(), Failure> {
        self.text(&ascii_json(&format!("{value:#}")))
    }

    /// A table without frames; as wide as the terminal, and as it needs where there is none.
    pub fn table(&mut self, header: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let arrangement =
            if io::stdout().is_terminal() { ContentArrangement::Dynamic } else { ContentArrangement::Disabled };
        table.set_content_arrangement(arrangement);
        table.set_header(header.iter().copied());
        for row in rows {
            table.add_row(row.iter().map(|cell| printable(cell)));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        self.text(&table.trim_fmt())
    }

    /// Names and values, one a line.
    pub fn pairs(&mut self, pairs: &[(&str, String)]) -> Result<(), Failure> {
        let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (name, value) in pairs {
            self.text(&format!("{name:width$}  {}", printable(value)))?;
        }
        Ok(())
    }

    /// Progress on standard error, where a person looks on.
    pub fn progress(&self, length: u64, what: &'static str) -> ProgressBar {
        if !io::stderr().is_terminal() || self.is_json {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(length).with_message(what);
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}

/// Without characters that would command a terminal, or turn round what stands beside them.
pub fn printable(text: &str) -> String {
    let is_bidirectional =
        |character| matches!(character, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shown = |character: char| match character {
        _ if character.is_control() || is_bidirectional(character) => '\u{fffd}',
        _ => character,
    };
    text.chars().map(shown).collect()
}

/// JSON in ASCII alone, as Python writes it: what is not can only stand in strings.
pub fn ascii_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() && character != '\u{7f}' {
            text.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

/// A text of JSON, or nothing where it is null.
pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// A list of texts, joined.
pub fn list(value: &Value, name: &str) -> String {
    let texts = value[name].as_array().into_iter().flatten().filter_map(Value::as_str);
    texts.collect::<Vec<_>>().join(", ")
}

/// Tells a person beside the output; scripts read none of it.
pub fn note(text: &str) {
    eprintln!("gatehouse: {}", printable(text));
}

/// Asks a person, who has to say yes.
pub fn confirm(question: &str) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage("nobody is there to ask: add --yes".to_owned()));
    }
    eprint!("{} [y/N] ", printable(question));
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    if matches!(line.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(Failure::Refused("nothing was changed".to_owned()))
    }
}
