//! The web page's files, and the header fields that hold it to what it needs.
//!
//! Guarantees that the page runs only scripts of its own, talks to nobody but the gate, and turns no text into markup.

use super::answer::Answer;

/// A file of the page.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    name: &'static str,
    content_type: &'static str,
    body: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Names a file by its place under `src/page`; build.rs says what is in it.
macro_rules! file {
    ($name:literal, $content_type:expr) => {
        File { name: $name, content_type: $content_type, body: include_str!(concat!(env!("OUT_DIR"), "/page/", $name)) }
    };
}

static INDEX: File = file!("index.html", HTML);
static FILES: [File; 13] = [
    file!("page.css", CSS),
    file!("icon.svg", SVG),
    file!("main.js", SCRIPT),
    file!("gate.js", SCRIPT),
    file!("elements.js", SCRIPT),
    file!("listing.js", SCRIPT),
    file!("dialogs.js", SCRIPT),
    file!("keys.js", SCRIPT),
    file!("users.js", SCRIPT),
    file!("user.js", SCRIPT),
    file!("audit.js", SCRIPT),
    file!("import.js", SCRIPT),
    file!("csv.js", SCRIPT),
];

/// `form-action 'none'`: forms are sent by script alone, so that a secret never gets into an address.
/// `require-trusted-types-for`: the browser itself refuses to make markup of text.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// The page itself.
#[must_use]
pub fn index() -> &'static File {
    &INDEX
}

/// A file that the page asks for.
#[must_use]
pub fn find(name: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.name == name)
}

/// Where the page is, for those who left out the slash.
#[must_use]
pub fn redirect() -> Answer {
    Answer { status: 308, headers: vec![("Location", "/_gatehouse/".to_owned())], body: None }
}

impl File {
    /// The file as an answer.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let headers = [
            ("Content-Type", self.content_type),
            ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Referrer-Policy", "no-referrer"),
        ];
        let headers = headers.map(|(name, value)| (name, value.to_owned()));
        Answer { status: 200, headers: headers.into(), body: Some(self.body.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::read_dir;
    use std::path::Path;

    use super::*;

    #[test]
    fn serves_every_file_of_the_page_and_no_other() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page");
        let mut there: Vec<String> =
            read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        there.sort();
        let mut served: Vec<&str> = FILES.iter().chain([&INDEX]).map(|file| file.name).collect();
        served.sort_unstable();
        assert_eq!(there, served);
        assert!(find("index.html").is_none() && find("../page.rs").is_none());
    }

    #[test]
    fn the_page_holds_no_script_and_no_style_of_its_own_and_names_no_other_host() {
        for file in FILES.iter().chain([&INDEX]) {
            let text = file.body.replace("http://www.w3.org/2000/svg", "");
            for refused in ["://", "style=", "onclick=\"", "innerHTML", "<style", "localStorage", "sessionStorage"] {
                assert!(!text.contains(refused), "{} holds {refused}", file.name);
            }
        }
        assert_eq!(INDEX.body.matches("<script").count(), 1);
        assert!(INDEX.body.contains(r#"<script type="module" src="page/main.js"></script>"#));
    }
}
