//! What the project stands on: every dependency has its line in docs/dependencies.md, npm installs what its lock file says, and
//! nothing of npm's runs a script at installation but what was looked at.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

/// Where a package comes from, and its name.
type Package = (String, String);

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn json_of(path: &str) -> Value {
    serde_json::from_str(&text(path)).unwrap()
}

fn packages<'a>(from: &str, names: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = Package> {
    names.into_iter().map(|name| (from.to_owned(), name.to_owned())).collect::<Vec<_>>().into_iter()
}

/// The direct dependencies of every manifest, for all targets, of all kinds.
fn crates() -> Vec<String> {
    let mut names = Vec::new();
    for manifest in ["Cargo.toml", "fuzz/Cargo.toml"] {
        let mut command = Command::new(env!("CARGO"));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(manifest);
        command.args(["metadata", "--no-deps", "--format-version=1", "--offline", "--manifest-path"]).arg(path);
        let metadata: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        let packages = metadata["packages"].as_array().unwrap();
        let dependencies = packages.iter().flat_map(|package| package["dependencies"].as_array().unwrap());
        // One without a source is a path: the project itself.
        let foreign = dependencies.filter(|dependency| !dependency["source"].is_null());
        names.extend(foreign.map(|dependency| dependency["name"].as_str().unwrap().to_owned()));
    }
    assert!(names.len() > 30, "{names:?}");
    names
}

/// The words between each `start` and the next `end`.
fn between<'a>(text: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(start).skip(1).filter_map(move |behind| behind.split_once(end)).map(|(word, _)| word)
}

/// The name in a requirement: `PyJWT[crypto]>=2.8` is of PyJWT.
fn requirement(line: &str) -> &str {
    line.split(['[', '=', '<', '>', ' ']).next().unwrap()
}

/// Everything that a manifest, a requirements file or a script names.
fn used() -> BTreeSet<Package> {
    let mut used: BTreeSet<Package> = packages("crates.io", crates().iter().map(String::as_str)).collect();
    let scripts: String = ["scripts/setup", "scripts/start", "scripts/test", "scripts/fuzz", "bench/build"]
        .map(|name| text(&format!("{name}.mjs")))
        .concat();
    // As in install(["--debug", `worker-build@${WORKER_BUILD}`]) and in ["install", "--root", tools, `oha@${OHA}`].
    let tools: Vec<_> =
        between(&scripts, "\"--debug\", `", "@$").chain(between(&scripts, "root\", tools, `", "@$")).collect();
    assert!(tools.contains(&"worker-build"), "{tools:?}");
    used.extend(packages("crates.io", tools));

    let manifest = json_of("package.json");
    let kinds = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
    let npm = kinds.iter().filter_map(|kind| manifest[*kind].as_object()).flat_map(|names| names.keys());
    used.extend(packages("npm", npm.map(String::as_str)));

    let (requirements, app) = (text("tests/gate/clients/requirements.txt"), text("integrations/frappe/pyproject.toml"));
    used.extend(packages("PyPI", requirements.lines().filter(|line| !line.is_empty()).map(requirement)));
    let lists = between(&app, "dependencies = [", "]\n").chain(between(&app, "requires = [", "]\n"));
    used.extend(packages("PyPI", lists.flat_map(|list| list.split('"').skip(1).step_by(2)).map(requirement)));
    used.extend(packages("PyPI", between(&scripts, "\"PyJWT", "==").map(|_| "PyJWT")));

    let lists = between(&scripts, "debianPackage([", "]");
    let test = text("scripts/test.mjs");
    let named = lists.flat_map(|list| list.split('"').skip(1).step_by(2));
    let table =
        between(&test, "of [[", "]]").flat_map(|rows| rows.split("], [")).map(|row| row.split('"').nth(1).unwrap());
    used.extend(packages("Debian", named.chain(table)));
    used
}

/// The lines of docs/dependencies.md.
fn documented() -> Vec<Package> {
    let document = text("docs/dependencies.md");
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.split(" | ").collect();
        let [name, from, why] = cells.as_slice() else { panic!("a package, where it is from, and why: {row}") };
        assert!(why.trim_end_matches(" |").len() > 5, "why? {row}");
        ((*from).to_owned(), name.trim_end_matches('`').to_owned())
    })
    .collect()
}

#[test]
fn every_dependency_has_one_line_that_says_why_and_every_line_a_dependency() {
    let documented = documented();
    let lines: BTreeSet<_> = documented.iter().cloned().collect();
    assert_eq!(lines.len(), documented.len(), "one line each");
    let used = used();
    for from in ["crates.io", "npm", "PyPI", "Debian"] {
        assert!(used.iter().any(|(origin, _)| origin == from), "nothing from {from} was found");
    }
    let missing: Vec<_> = used.difference(&lines).collect();
    let stale: Vec<_> = lines.difference(&used).collect();
    assert!(missing.is_empty() && stale.is_empty(), "without a line: {missing:?}; not used: {stale:?}");
}

#[test]
fn no_package_runs_a_script_when_it_is_installed_but_those_that_were_looked_at() {
    const LOOKED_AT: [&str; 3] = ["esbuild", "node", "workerd"];
    let lock = json_of("package-lock.json");
    let packages = lock["packages"].as_object().unwrap();
    let with_scripts = packages.iter().filter(|(_, package)| package["hasInstallScript"] == true);
    let names: BTreeSet<_> = with_scripts.map(|(path, _)| path.rsplit("node_modules/").next().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(LOOKED_AT));
    let allowed = json_of("package.json")["allowScripts"].clone();
    assert_eq!(allowed, json!({ "esbuild": true, "node": true, "workerd": true }), "what npm itself is told");
}

#[test]
fn every_npm_package_is_fixed_by_its_hash_and_comes_from_the_registry() {
    let (manifest, lock) = (json_of("package.json"), json_of("package-lock.json"));
    // `npm ci` takes a lock file that knows more than the manifest.
    assert_eq!(lock["packages"][""]["devDependencies"], manifest["devDependencies"]);
    for (path, package) in lock["packages"].as_object().unwrap().iter().filter(|(path, _)| !path.is_empty()) {
        let integrity = package["integrity"].as_str().unwrap_or_default();
        assert!(integrity.starts_with("sha512-"), "{path}: {integrity:?}");
        // Without an address it is the registry's, whichever npm is told to ask.
        assert!(package["resolved"].is_null(), "{path}");
        assert_ne!(package["link"], true, "{path}");
    }
}

/// `npm ci` as scripts/run.mjs calls it, with this manifest beside the project's lock file. Nothing is fetched.
fn npm_ci(manifest: &Value) -> Output {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("package.json"), manifest.to_string()).unwrap();
    fs::write(folder.path().join("package-lock.json"), text("package-lock.json")).unwrap();
    fs::create_dir(folder.path().join("local")).unwrap();
    fs::write(folder.path().join("local/package.json"), r#"{"name":"ws","version":"1.0.0"}"#).unwrap();
    let mut npm = Command::new("npm");
    npm.args(["ci", "--dry-run", "--ignore-scripts", "--offline", "--no-audit", "--no-fund", "--cache"]);
    npm.arg(folder.path().join("cache")).current_dir(folder.path()).output().unwrap()
}

#[test]
fn npm_installs_from_the_lock_file_alone_and_refuses_one_that_has_drifted() {
    let script = text("scripts/run.mjs");
    assert!(script.contains(r#"spawnSync("npm", ["ci", "#) && !script.contains("\"install\""), "how scripts install");
    let manifest = json_of("package.json");
    let same = npm_ci(&manifest);
    assert!(same.status.success(), "{}", String::from_utf8_lossy(&same.stderr));
    for name in ["ws", "a-new-one"] {
        let mut drifted = manifest.clone();
        drifted["devDependencies"][name] = json!("file:./local");
        let refused = npm_ci(&drifted);
        let message = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && message.contains("in sync"), "{name}: {message}");
    }
}
