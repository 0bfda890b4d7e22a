//! What shells complete: bash, zsh and fish themselves are asked, with what the program prints for them.

use super::{said, vestibule};
use std::path::Path;
use std::process::{Command, Output};

/// A folder with the completions of a shell, the program, and a file to be found.
struct Place(tempfile::TempDir);

impl Place {
    fn new(shell: &str, file: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let completions = vestibule(&["completions", shell]);
        std::fs::write(place.path().join(file), completions).unwrap();
        std::fs::write(place.path().join("my-site.yaml"), "").unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_vestibule"));
        std::os::unix::fs::symlink(program, place.path().join("vestibule")).unwrap();
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn shell(&self, name: &str, arguments: &[&str]) -> Output {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.path().display());
        Command::new(name)
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path())
            .env("TERM", "xterm")
            .output()
            .unwrap_or_else(|e| panic!("{name}: {e}; tools/prepare test installs it"))
    }
}

fn lines(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{}", said(output));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| line.trim().to_owned()).collect()
}

/// What bash offers for the last word: the function that is registered for the command is called with the words so
/// far, as readline does; where it says "files", bash is asked for them.
fn bash(line: &str) -> Vec<String> {
    let place = Place::new("bash", "vestibule.bash");
    let script = r#"
        source ./vestibule.bash
        registered=$(complete -p vestibule) || exit 1
        function=${registered#*-F }; function=${function%% *}
        read -ra COMP_WORDS <<< "$1"; [[ $1 == *' ' ]] && COMP_WORDS+=('')
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_LINE=$1; COMP_POINT=${#1}
        "$function" vestibule "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}" 2>/dev/null
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    lines(&place.shell("bash", &["--norc", "-c", script, "bash", line]))
}

/// What fish offers, without its descriptions.
fn fish(line: &str) -> Vec<String> {
    let place = Place::new("fish", "vestibule.fish");
    let script = "source vestibule.fish; complete -C $argv[1]";
    let offered = lines(&place.shell("fish", &["--no-config", "-c", script, line]));
    let word = |line: &String| line.split('\t').next().unwrap_or_default().to_owned();
    offered.iter().map(word).collect()
}

/// The line after each press of the tabulator, in a zsh of its own on a terminal of its own.
fn zsh(line: &str, presses: usize) -> Vec<String> {
    let place = Place::new("zsh", "_vestibule");
    let script = r#"
        zmodload zsh/zpty
        zpty shell zsh -f -i
        say() { zpty -w shell "$1" }
        say 'PS1= ; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; setopt menu_complete'
        say 'offer() { print -r -- "$BUFFER" >> offered }; zle -N offer; bindkey "^X" offer'
        say 'print ready > ready'
        for n in {1..400}; do [[ -s ready ]] && break; sleep 0.05; done
        zpty -n -w shell "$1"
        for n in {1..$2}; do zpty -n -w shell $'\t'; zpty -n -w shell $'\x18'; done
        for n in {1..400}; do [[ -s offered && $(wc -l < offered) -ge $2 ]] && break; sleep 0.05; done
        zpty -d shell
        cat offered
    "#;
    let arguments = ["-f", "-c", script, "zsh", line, &presses.to_string()];
    lines(&place.shell("zsh", &arguments))
}

#[test]
fn bash_completes_commands_options_values_and_files() {
    assert_eq!(bash("vestibule se"), ["serve", "session"]);
    assert_eq!(bash("vestibule account reset"), ["reset-2fa"]);
    assert_eq!(bash("vestibule serve --log-f"), ["--log-format"]);
    assert_eq!(bash("vestibule serve --log-format "), ["json", "plain"]);
    assert_eq!(bash("vestibule serve --config my-"), ["my-site.yaml"]);
    let all = bash("vestibule ");
    assert!(all.contains(&"serve".to_owned()), "{all:?}");
    assert!(
        !all.contains(&"docs".to_owned()),
        "not meant for people: {all:?}"
    );
}

#[test]
fn fish_completes_commands_options_values_and_files() {
    assert_eq!(fish("vestibule se"), ["serve", "session"]);
    assert_eq!(fish("vestibule account reset"), ["reset-2fa"]);
    assert_eq!(fish("vestibule serve --log-f"), ["--log-format"]);
    assert_eq!(fish("vestibule serve --log-format "), ["json", "plain"]);
    assert_eq!(fish("vestibule serve --config my-"), ["my-site.yaml"]);
    assert_eq!(fish("vestibule keys r"), ["rotate"]);
    let all = fish("vestibule ");
    assert!(all.contains(&"explain".to_owned()), "{all:?}");
    assert!(!all.contains(&"docs".to_owned()), "{all:?}");
}

#[test]
fn zsh_completes_commands_options_values_and_files() {
    assert_eq!(
        zsh("vestibule se", 2),
        ["vestibule serve", "vestibule session"]
    );
    assert_eq!(
        zsh("vestibule account reset", 1),
        ["vestibule account reset-2fa"]
    );
    assert_eq!(
        zsh("vestibule serve --log-format ", 2),
        [
            "vestibule serve --log-format json",
            "vestibule serve --log-format plain"
        ]
    );
    assert_eq!(
        zsh("vestibule serve --config my-", 1),
        ["vestibule serve --config my-site.yaml"]
    );
    // a hidden command is not offered: the line stays
    assert_eq!(zsh("vestibule doc", 1), ["vestibule doc"]);
}
