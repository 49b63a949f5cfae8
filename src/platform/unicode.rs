//! Folding of user names, with the Unicode tables that the platform carries anyway.

use js_sys::JsString;

/// NFKC and case folding: what differs in case or compatibility alone becomes equal.
///
/// JavaScript has no case folding. Upper case and then lower case folds as much: `ß` meets `SS`, and every sigma the
/// others.
pub fn fold(text: &str) -> String {
    let upper = JsString::from(text).normalize("NFKC").to_upper_case();
    upper.to_lower_case().normalize("NFKC").into()
}
