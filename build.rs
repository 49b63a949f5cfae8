//! Takes the white space out of the description of the routes, which the Worker carries.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    const DESCRIPTION: &str = "src/http/openapi.json";
    println!("cargo::rerun-if-changed={DESCRIPTION}");
    let document: serde_json::Value = serde_json::from_slice(&fs::read(DESCRIPTION)?)?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("openapi.json"), document.to_string())?;
    Ok(())
}
