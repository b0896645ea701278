package failshut

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var flagName = regexp.MustCompile(`--[a-z][a-z-]*`)

// TestCommandsAreDocumented holds docs/cli.md against the command tree: each command that does something has a heading
// of its own, and each of its flags stands in the section under it.
func TestCommandsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := sectionsOf(string(page))
	c := &cli{stdout: io.Discard, stderr: io.Discard}
	root := c.root()
	for _, cmd := range all(root) {
		name := cmd.CommandPath()
		switch {
		case cmd == root:
			name = "For every command"
		case cmd.HasSubCommands() && cmd.Use == cmd.Name(): // it has no answer of its own
			continue
		}
		section, ok := sections[name]
		if !ok {
			t.Errorf("docs/cli.md has no heading %q", name)
			continue
		}
		delete(sections, name)
		for _, flag := range flagName.FindAllString(cmd.LocalFlags().FlagUsages(), -1) {
			if !strings.Contains(section, "`"+flag+"`") {
				t.Errorf("docs/cli.md: the section %q does not name %s", name, flag)
			}
		}
	}
	for name := range sections {
		if strings.HasPrefix(name, root.Name()+" ") {
			t.Errorf("docs/cli.md describes %q, which is no command", name)
		}
	}
}

// sectionsOf gives the text under each heading, up to the next one.
func sectionsOf(page string) map[string]string {
	out := map[string]string{}
	name := ""
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "#") {
			name = strings.TrimSpace(strings.TrimLeft(line, "#"))
			continue
		}
		out[name] += line
	}
	return out
}

// TestContractsAreDocumented wants every exit code with its word, and every schema with its number, in docs/cli.md.
func TestContractsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	for code, word := range codeNames {
		if row := fmt.Sprintf("| %d | `%s` |", code, word); !strings.Contains(string(page), row) {
			t.Errorf("docs/cli.md has no row that begins %q", row)
		}
	}
	for name, number := range schemas {
		if schema := fmt.Sprintf("%s/%d", name, number); !strings.Contains(string(page), schema) {
			t.Errorf("docs/cli.md does not name the schema %s", schema)
		}
	}
}

// TestReadmeShowsTheExample holds the strategy in README.md against the one that is built.
func TestReadmeShowsTheExample(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("strategy/cross/cross.go")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), string(source)) {
		t.Error("README.md does not show strategy/cross/cross.go as it is")
	}
}

var directRequire = regexp.MustCompile(`(?m)^\t(\S+) v\S+$`)

// TestDependenciesAreDecided wants a page in docs/decisions that names each module which go.mod requires directly.
func TestDependenciesAreDecided(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob("docs/decisions/[0-9]*.md")
	if err != nil {
		t.Fatal(err)
	}
	var pages strings.Builder
	for _, name := range names {
		page, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		pages.Write(page)
	}
	found := directRequire.FindAllStringSubmatch(string(mod), -1)
	if len(found) == 0 {
		t.Fatal("go.mod requires nothing directly, want this test to look again at how it reads it")
	}
	for _, m := range found {
		if !strings.Contains(pages.String(), "`"+m[1]+"`") {
			t.Errorf("no page in docs/decisions names %s, which go.mod requires directly", m[1])
		}
	}
}

var relativeLink = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)

// TestLinksLeadSomewhere follows every relative link of the pages of the repository.
func TestLinksLeadSomewhere(t *testing.T) {
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/decisions/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range relativeLink.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
			}
		}
	}
}
