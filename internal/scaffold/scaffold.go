// Package scaffold writes the module of a user's own strategy: a strategy, its main, and a test that passes. It never writes over
// anything.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
)

//go:embed strategy/*.tmpl
var templates embed.FS

// Module is the module path of Failshut.
const Module = "github.com/failshut/failshut"

// Strategy is what is to be written.
type Strategy struct {
	Name    string // of the strategy, its module and its folder: see CheckName
	Replace string // the folder of a checkout of Failshut; empty: the module is fetched as Version
	Version string
	GoMod   string // of Failshut itself: what it requires the new module requires too
	GoSum   string
}

var names = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// CheckName wants a name that a strategy, a module and a folder can have: 1 to 40 lower-case letters, digits and '_', the first a
// letter.
func CheckName(name string) error {
	if !names.MatchString(name) {
		return fmt.Errorf("NAME is %q, want 1 to 40 lower-case letters, digits and '_', a letter first", name)
	}
	return nil
}

// ErrTaken says that the folder is there and holds something.
var ErrTaken = errors.New("the folder is not empty")

// Write makes the folder and writes the module's files into it; it returns their names. A folder that holds anything is left
// as it is.
func Write(dir string, s Strategy) ([]string, error) {
	if err := CheckName(s.Name); err != nil {
		return nil, err
	}
	switch entries, err := os.ReadDir(dir); {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case len(entries) > 0:
		return nil, fmt.Errorf("%w: %s holds %s", ErrTaken, dir, entries[0].Name())
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	files, err := s.files()
	if err != nil {
		return nil, err
	}
	var written []string
	for _, f := range files {
		if err := create(filepath.Join(dir, f.name), f.text); err != nil {
			return written, err
		}
		written = append(written, f.name)
	}
	return written, nil
}

func create(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

type file struct {
	name string
	text []byte
}

func (s Strategy) files() ([]file, error) {
	out := []file{{"go.mod", s.goMod()}, {"go.sum", []byte(s.GoSum)}}
	all, err := template.ParseFS(templates, "strategy/*.tmpl")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"main.go", "strategy.go", "strategy_test.go"} {
		var text bytes.Buffer
		if err := all.ExecuteTemplate(&text, name+".tmpl", s); err != nil {
			return nil, err
		}
		out = append(out, file{name, text.Bytes()})
	}
	return out, nil
}

// goMod requires Failshut and, marked as indirect, all that it requires: then nothing has to be found out by a network.
func (s Strategy) goMod() []byte {
	var out bytes.Buffer
	version := s.Version
	if s.Replace != "" {
		version = "v0.0.0-00010101000000-000000000000"
	}
	_, _ = fmt.Fprintf(&out, "module example.com/%s\n\ngo %s\n\nrequire %s %s\n\nrequire (\n", s.Name, goOf(s.GoMod), Module, version)
	for _, r := range requires(s.GoMod) {
		_, _ = fmt.Fprintf(&out, "\t%s // indirect\n", r)
	}
	out.WriteString(")\n")
	if s.Replace != "" {
		_, _ = fmt.Fprintf(&out, "\nreplace %s => %q\n", Module, s.Replace)
	}
	return out.Bytes()
}

// goOf is the version of Go in a go.mod.
func goOf(mod string) string {
	for line := range strings.Lines(mod) {
		if v, ok := strings.CutPrefix(line, "go "); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// requires lists what a go.mod requires, each as "PATH VERSION".
func requires(mod string) []string {
	var out []string
	inside := false
	for line := range strings.Lines(mod) {
		text, _, _ := strings.Cut(line, "//")
		text = strings.TrimSpace(text)
		switch {
		case text == "require (":
			inside = true
		case text == ")":
			inside = false
		case inside && text != "":
			out = append(out, text)
		case strings.HasPrefix(text, "require "):
			out = append(out, strings.TrimSpace(strings.TrimPrefix(text, "require ")))
		}
	}
	return out
}
