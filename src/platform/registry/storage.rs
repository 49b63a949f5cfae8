//! The registry's storage, bound here and not through `worker`: SQLite, transactions and the alarm.
//!
//! A value of another kind than expected is an error, never a default.

use js_sys::{Array, Number, Promise};
use serde_json::Value;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// What fails here fails in JavaScript, or in reading what came from there.
pub type Result<T> = std::result::Result<T, JsValue>;

#[wasm_bindgen]
extern "C" {
    /// What a Durable Object is told of itself.
    pub type ObjectState;

    #[wasm_bindgen(method, getter)]
    pub fn storage(this: &ObjectState) -> Storage;

    /// What it keeps.
    pub type Storage;

    #[wasm_bindgen(method, getter)]
    pub fn sql(this: &Storage) -> Sql;
    #[wasm_bindgen(method, catch, js_name = setAlarm)]
    pub fn set_alarm(this: &Storage, at_ms: f64) -> Result<Promise>;
    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(this: &Storage, closure: &mut dyn FnMut() -> Result<()>) -> Result<()>;

    /// Its SQLite.
    #[derive(Clone)]
    pub type Sql;

    #[wasm_bindgen(method, catch, variadic, js_name = exec)]
    fn start(this: &Sql, query: &str, bindings: &Array) -> Result<Cursor>;

    type Cursor;

    #[wasm_bindgen(method, catch)]
    fn raw(this: &Cursor) -> Result<JsValue>;

    #[wasm_bindgen(catch, js_namespace = Array, js_name = from)]
    fn collect(iterator: &JsValue) -> Result<Array>;
}

impl Storage {
    /// Runs `change` in one transaction: all of it is committed, or, on an error, nothing. Nothing else of the object
    /// runs meanwhile.
    pub fn transaction<T>(&self, change: impl FnOnce() -> Result<T>) -> Result<T> {
        let (mut change, mut made) = (Some(change), None);
        self.commit(&mut || {
            made = change.take().map(|change| change()).transpose()?;
            Ok(())
        })?;
        made.ok_or_else(|| JsValue::from_str("the transaction did not run"))
    }

    /// An error is thrown in there, which rolls everything back, and comes out again.
    fn commit(&self, change: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        self.transaction_sync(&mut || change())
    }
}

impl Sql {
    /// Runs a statement, or several.
    pub fn exec(&self, query: &str, bindings: &[SqlValue]) -> Result<()> {
        self.cursor(query, bindings).map(drop)
    }

    /// Runs a statement and gives back all its rows.
    pub fn rows(&self, query: &str, bindings: &[SqlValue]) -> Result<Vec<Row>> {
        Ok(collect(&self.cursor(query, bindings)?.raw()?)?.iter().map(|row| Row(row.into())).collect())
    }

    /// The one number that a statement finds, or 0 where there is no row.
    pub fn count(&self, query: &str) -> Result<i64> {
        self.rows(query, &[])?.first().map_or(Ok(0), |row| row.integer(0))
    }

    fn cursor(&self, query: &str, bindings: &[SqlValue]) -> Result<Cursor> {
        let array = Array::new();
        for SqlValue(value) in bindings {
            array.push(value);
        }
        self.start(query, &array)
    }
}

/// A value that a statement is given.
pub struct SqlValue(JsValue);

impl From<&str> for SqlValue {
    fn from(text: &str) -> Self {
        Self(JsValue::from_str(text))
    }
}

impl From<i64> for SqlValue {
    fn from(number: i64) -> Self {
        // Times, counts and row numbers: far from 2^53.
        #[allow(clippy::cast_precision_loss)]
        Self(JsValue::from_f64(number as f64))
    }
}

impl<T: Into<Self>> From<Option<T>> for SqlValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self(JsValue::NULL), Into::into)
    }
}

/// One row of a result, read by position.
pub struct Row(Array);

impl Row {
    /// A text.
    pub fn text(&self, column: u32) -> Result<String> {
        self.0.get(column).as_string().ok_or_else(|| unexpected(column))
    }

    /// A text, or nothing where it is NULL.
    pub fn optional_text(&self, column: u32) -> Result<Option<String>> {
        if self.0.get(column).is_null() { Ok(None) } else { self.text(column).map(Some) }
    }

    /// A text that is JSON.
    pub fn json(&self, column: u32) -> Result<Value> {
        serde_json::from_slice(self.text(column)?.as_bytes()).map_err(|_| unexpected(column))
    }

    /// A text that is a JSON list of texts.
    pub fn texts(&self, column: u32) -> Result<Vec<String>> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let texts = self.json(column)?.as_array().and_then(|values| values.iter().map(text).collect());
        texts.ok_or_else(|| unexpected(column))
    }

    /// A whole number.
    pub fn integer(&self, column: u32) -> Result<i64> {
        let value = self.0.get(column);
        let number = value.as_f64().filter(|_| Number::is_safe_integer(&value)).ok_or_else(|| unexpected(column))?;
        // Whole and below 2^53.
        #[allow(clippy::cast_possible_truncation)]
        Ok(number as i64)
    }

    /// A whole number, or nothing where it is NULL.
    pub fn optional_integer(&self, column: u32) -> Result<Option<i64>> {
        if self.0.get(column).is_null() { Ok(None) } else { self.integer(column).map(Some) }
    }
}

fn unexpected(column: u32) -> JsValue {
    JsValue::from_str(&format!("column {column} holds something unexpected"))
}
