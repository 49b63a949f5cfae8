//! The fields of a JSON object, each taken once.

use serde_json::{Map, Value};

/// What is left of an object. (`Map::remove` would bring the balancing of trees into the Worker.)
pub struct Fields(Vec<(String, Value)>);

impl Fields {
    /// All fields.
    #[must_use]
    pub fn new(fields: Map<String, Value>) -> Self {
        Self(fields.into_iter().collect())
    }

    /// The fields of a text, if it is a JSON object.
    #[must_use]
    pub fn from_json(json: &str) -> Option<Self> {
        match serde_json::from_slice(json.as_bytes()) {
            Ok(Value::Object(fields)) => Some(Self::new(fields)),
            _ => None,
        }
    }

    /// Takes a field out.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        let place = self.0.iter().position(|(field, _)| field == name)?;
        Some(self.0.remove(place).1)
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is left, by name.
    #[must_use]
    pub fn rest(self) -> Vec<(String, Value)> {
        self.0
    }
}
