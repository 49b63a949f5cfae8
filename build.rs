//! Prepares what the Worker carries as text: the description of the routes without its white space, and the page's files as
//! scripts/build.mjs made them small, or as they are where nobody did.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    const DESCRIPTION: &str = "src/http/openapi.json";
    const PAGE: &str = "src/page";
    const SMALL_PAGE: &str = "GATEHOUSE_PAGE";
    let out = PathBuf::from(env::var("OUT_DIR")?);

    println!("cargo::rerun-if-changed={DESCRIPTION}");
    let document: serde_json::Value = serde_json::from_slice(&fs::read(DESCRIPTION)?)?;
    fs::write(out.join("openapi.json"), document.to_string())?;

    println!("cargo::rerun-if-changed={PAGE}");
    println!("cargo::rerun-if-env-changed={SMALL_PAGE}");
    let small = env::var(SMALL_PAGE).ok();
    fs::create_dir_all(out.join("page"))?;
    for file in fs::read_dir(PAGE)? {
        let file = file?;
        let made = small.as_ref().map(|place| Path::new(place).join(file.file_name())).filter(|path| path.exists());
        fs::copy(made.unwrap_or_else(|| file.path()), out.join("page").join(file.file_name()))?;
    }
    Ok(())
}
