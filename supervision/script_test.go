package supervision

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// script is one file of cases.
type script struct {
	path  string
	lines []string
	cases []*scriptCase
}

// scriptCase is one story: what is declared, and what is commanded and expected.
type scriptCase struct {
	name  string
	line  int
	decls []statement
	steps []statement
}

// statement is one declaration or command, with the lines that are expected of a command.
type statement struct {
	line  int
	words []string
	want  []string
	last  int // the line of its last expectation, or its own
}

// scriptError is a mistake of a script, not of what it tests.
type scriptError struct {
	line int
	text string
}

func (e *scriptError) Error() string { return fmt.Sprintf("line %d: script error: %s", e.line, e.text) }

func errorAt(line int, format string, a ...any) error {
	return &scriptError{line, fmt.Sprintf(format, a...)}
}

var (
	nameForm    = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	commentForm = regexp.MustCompile(`(^|[ \t])#.*$`)
	declares    = map[string]bool{"sup": true, "child": true, "phase": true}
)

// readScript splits a file into cases. A malformed line is reported with the case that it stands in.
func readScript(path string) (*script, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s := &script{path: path, lines: strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")}
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	var c *scriptCase
	for i, raw := range s.lines {
		n := i + 1
		if strings.HasPrefix(raw, ">") {
			if c == nil || len(c.steps) == 0 {
				return s, errorAt(n, "an expectation without a command")
			}
			step := &c.steps[len(c.steps)-1]
			step.want = append(step.want, strings.Join(strings.Fields(raw[1:]), " "))
			step.last = n
			continue
		}
		words := strings.Fields(commentForm.ReplaceAllString(raw, ""))
		switch {
		case len(words) == 0:
			continue
		case words[0] == "case":
			if len(words) != 2 || !nameForm.MatchString(words[1]) {
				return s, errorAt(n, "malformed: %s", raw)
			}
			c = &scriptCase{name: words[1], line: n}
			s.cases = append(s.cases, c)
			continue
		case c == nil:
			c = &scriptCase{name: name, line: n}
			s.cases = append(s.cases, c)
		}
		st := statement{line: n, words: words, last: n}
		switch {
		case !declares[words[0]]:
			c.steps = append(c.steps, st)
		case len(c.steps) > 0:
			return s, errorAt(n, "a declaration after a command: %s", raw)
		default:
			c.decls = append(c.decls, st)
		}
	}
	if len(s.cases) == 0 {
		return s, errorAt(len(s.lines), "a script without a case, want a supervisor and what happens to it")
	}
	return s, nil
}

// flags reads KEY=VALUE words.
func flags(line int, words []string, known ...string) (map[string]string, error) {
	m := map[string]string{}
	for _, w := range words {
		k, v, ok := strings.Cut(w, "=")
		if !ok || v == "" {
			return nil, errorAt(line, "malformed: %s", w)
		}
		if !slices.Contains(known, k) {
			return nil, errorAt(line, "unknown key: %s", k)
		}
		if _, twice := m[k]; twice {
			return nil, errorAt(line, "key given twice: %s", k)
		}
		m[k] = v
	}
	return m, nil
}
