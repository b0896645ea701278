package orders_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// scriptCase is one case of a script file: what to run, line by line.
type scriptCase struct {
	name  string
	tags  []string
	lines []scriptLine
}

type scriptLine struct {
	no     int
	kind   string // "option", ">", "<", "=" or "+"
	fields []string
	text   string
}

// TestScripts runs every script of testdata, and those of the directory that
// FAILSHUT_ORDER_SCRIPTS names.
//
// The language is that of the design's §4, and one action more: `> resolve REF as=ENDING` is an operator's word about an order, where
// ENDING is rejected, cancelled, working, or filled=QTY[@PRICE].
func TestScripts(t *testing.T) {
	runScripts(t, "testdata")
	if dir := os.Getenv("FAILSHUT_ORDER_SCRIPTS"); dir != "" {
		runScripts(t, dir)
	}
}

func runScripts(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no script in %q (%v)", dir, err)
	}
	for _, file := range files {
		cases, err := readScript(file)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		base := strings.TrimSuffix(filepath.Base(file), ".txt")
		for _, c := range cases {
			t.Run(base+"/"+c.name, func(t *testing.T) {
				if err := runCase(c); err != nil {
					t.Errorf("%s:%v", file, err)
				}
			})
		}
	}
}

var comment = regexp.MustCompile(`(^|\s)#.*$`)

// readScript reads the cases of a file; a file without one is an error.
func readScript(file string) ([]scriptCase, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var cases []scriptCase
	names := map[string]bool{}
	for i, raw := range strings.Split(string(text), "\n") {
		f := strings.Fields(comment.ReplaceAllString(raw, ""))
		if len(f) == 0 {
			continue
		}
		if f[0] == "case" {
			if len(f) < 2 || names[f[1]] {
				return nil, fmt.Errorf("%d: want a new name after case: %q", i+1, raw)
			}
			names[f[1]] = true
			cases = append(cases, scriptCase{name: f[1], tags: f[2:]})
			continue
		}
		switch f[0] {
		case "option", ">", "<", "=", "+":
		default:
			return nil, fmt.Errorf("%d: no statement begins with %q", i+1, f[0])
		}
		if len(cases) == 0 {
			return nil, fmt.Errorf("%d: %q stands before the first case", i+1, raw)
		}
		c := &cases[len(cases)-1]
		c.lines = append(c.lines, scriptLine{no: i + 1, kind: f[0], fields: f[1:], text: strings.TrimSpace(raw)})
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("no case in it")
	}
	return cases, nil
}

// runCase runs one case on a fresh machine; the first line that fails ends it.
func runCase(c scriptCase) error {
	r := newRunner()
	begun := false
	for _, l := range c.lines {
		var err error
		switch l.kind {
		case "option":
			if begun {
				err = fmt.Errorf("option after another line")
			} else {
				err = r.option(l.fields)
			}
		case ">", "<":
			if !begun {
				r.start()
			}
			if err = r.leftOver(); err == nil {
				err = r.input(l)
			}
		case "=":
			if !begun {
				r.start()
			}
			err = r.assert(l.fields)
		case "+":
			err = r.expect(l.fields)
		}
		begun = begun || l.kind != "option"
		if err != nil {
			return fmt.Errorf("%d: %s: %w", l.no, l.text, err)
		}
	}
	if err := r.leftOver(); err != nil {
		return fmt.Errorf("end of case: %w", err)
	}
	return nil
}

// pairs reads KEY=VALUE fields; each key once, and only those allowed.
func pairs(fields []string, allowed ...string) (map[string]string, error) {
	kv := map[string]string{}
	for _, f := range fields {
		k, v, ok := strings.Cut(f, "=")
		if !ok || v == "" {
			return nil, fmt.Errorf("%q is no key=value", f)
		}
		if _, twice := kv[k]; twice {
			return nil, fmt.Errorf("key %q twice", k)
		}
		found := false
		for _, a := range allowed {
			found = found || a == k
		}
		if !found {
			return nil, fmt.Errorf("key %q is unknown, want one of %v", k, allowed)
		}
		kv[k] = v
	}
	return kv, nil
}
