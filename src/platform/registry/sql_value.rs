//! Rows of SQLite, read by position. A value of another kind than expected is an error, never a default.

use serde_json::Value;
use worker::{Error, Result, SqlStorage, SqlStorageValue};

/// One row of a result.
pub struct Row(Vec<SqlStorageValue>);

/// Runs a statement and gives back all its rows.
pub fn rows(sql: &SqlStorage, query: &str, bindings: Vec<SqlStorageValue>) -> Result<Vec<Row>> {
    sql.exec(query, bindings)?.raw().map(|row| row.map(Row)).collect()
}

impl Row {
    /// A text.
    pub fn text(&self, column: usize) -> Result<String> {
        self.optional_text(column)?.ok_or_else(|| unexpected(column))
    }

    /// A text, or nothing where it is NULL.
    pub fn optional_text(&self, column: usize) -> Result<Option<String>> {
        match self.0.get(column) {
            Some(SqlStorageValue::String(text)) => Ok(Some(text.clone())),
            Some(SqlStorageValue::Null) => Ok(None),
            _ => Err(unexpected(column)),
        }
    }

    /// A text that is JSON.
    pub fn json(&self, column: usize) -> Result<Value> {
        serde_json::from_slice(self.text(column)?.as_bytes()).map_err(|_| unexpected(column))
    }

    /// A text that is a JSON list of texts.
    pub fn texts(&self, column: usize) -> Result<Vec<String>> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let texts = self.json(column)?.as_array().and_then(|values| values.iter().map(text).collect());
        texts.ok_or_else(|| unexpected(column))
    }

    /// A whole number.
    pub fn integer(&self, column: usize) -> Result<i64> {
        self.optional_integer(column)?.ok_or_else(|| unexpected(column))
    }

    /// A whole number, or nothing where it is NULL.
    pub fn optional_integer(&self, column: usize) -> Result<Option<i64>> {
        match self.0.get(column) {
            Some(SqlStorageValue::Integer(number)) => Ok(Some(*number)),
            Some(SqlStorageValue::Null) => Ok(None),
            _ => Err(unexpected(column)),
        }
    }
}

fn unexpected(column: usize) -> Error {
    Error::RustError(format!("column {column} holds something unexpected"))
}
