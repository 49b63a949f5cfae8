//! A gate's processes, and how much memory they take, as the kernel counts.

use std::fs;

/// The processes of a tree, and what each held when the watch began, in bytes.
pub struct Memory {
    processes: Vec<(u32, u64)>,
}

impl Memory {
    /// Watches the process that started a workerd, and all that it started.
    pub fn watch(process: u32) -> Self {
        let processes = tree(process);
        assert!(processes.iter().any(is_workerd), "no workerd to watch");
        let processes = processes.into_iter().map(|process| {
            // 5: the peak starts anew (Linux, proc_pid_clear_refs).
            fs::write(format!("/proc/{process}/clear_refs"), "5").unwrap();
            (process, status(process, "VmRSS:"))
        });
        Self { processes: processes.collect() }
    }

    /// By how many bytes all of them together have grown at most.
    pub fn grown(&self) -> u64 {
        self.processes.iter().map(|(process, before)| status(*process, "VmHWM:").saturating_sub(*before)).sum()
    }
}

/// The workerd that a process started.
pub fn workerd_of(process: u32) -> u32 {
    tree(process).into_iter().find(is_workerd).expect("no workerd is running")
}

fn is_workerd(process: &u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name == "workerd\n")
}

fn tree(process: u32) -> Vec<u32> {
    // A process may end meanwhile.
    let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let children = tasks.flat_map(|task| {
        let text = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        text.split_whitespace().map(|child| child.parse().unwrap()).collect::<Vec<u32>>()
    });
    let mut processes: Vec<u32> = children.flat_map(tree).collect();
    processes.push(process);
    processes
}

/// A figure of `/proc/<process>/status`, in bytes.
fn status(process: u32, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}
