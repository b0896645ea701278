package supervision

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the expectations of the scripts in testdata")

// scriptsEnv names a directory of scripts that are run besides those of testdata.
const scriptsEnv = "FAILSHUT_SUPERVISION_SCRIPTS"

func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata holds %d scripts (%v), want some", len(files), err)
	}
	own := len(files)
	if dir := os.Getenv(scriptsEnv); dir != "" {
		more, err := filepath.Glob(filepath.Join(dir, "*.txt"))
		if err != nil || len(more) == 0 {
			t.Fatalf("%s=%s holds no script, want a directory of *.txt, by its whole path or as seen from the package", scriptsEnv, dir)
		}
		files = append(files, more...)
	}
	for i, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) { runScript(t, f, *rewrite && i < own) })
	}
}

func runScript(t *testing.T, path string, rewrite bool) {
	s, err := readScript(path)
	if s == nil || (err != nil && len(s.cases) == 0) {
		t.Fatalf("%s: %v", path, err)
	}
	got := map[int][]string{} // by the line of the command
	for i, c := range s.cases {
		t.Run(c.name, func(t *testing.T) {
			if err != nil && i == len(s.cases)-1 {
				t.Fatalf("%s: %v", path, err)
			}
			runCase(t, path, c, got, rewrite)
		})
	}
	if rewrite && !t.Failed() {
		rewriteScript(t, s, got)
	}
}

func runCase(t *testing.T, path string, c *scriptCase, got map[int][]string, rewrite bool) {
	p, err := declare(c)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	s := newStage(p)
	for _, st := range c.steps {
		lines, err := s.play(st)
		if err != nil {
			t.Fatalf("%s: %v\nafter:\n%s", path, err, strings.Join(lines, "\n"))
		}
		got[st.line] = lines
		if !rewrite && !slices.Equal(lines, st.want) {
			t.Fatalf("%s:%d: %s\n%s", path, st.line, strings.Join(st.words, " "), diff(st.want, lines))
		}
	}
}

// diff shows two traces line by line: "-" is wanted and missing, "+" is there and not wanted.
func diff(want, got []string) string {
	var b strings.Builder
	line := func(mark, s string) { b.WriteString(mark + " " + s + "\n") }
	for len(want) > 0 || len(got) > 0 {
		switch {
		case len(want) > 0 && len(got) > 0 && want[0] == got[0]:
			line(" ", want[0])
			want, got = want[1:], got[1:]
		case len(want) > 0 && (len(got) == 0 || !slices.Contains(got, want[0])):
			line("-", want[0])
			want = want[1:]
		case len(got) > 0 && (len(want) == 0 || !slices.Contains(want, got[0])):
			line("+", got[0])
			got = got[1:]
		default:
			line("-", want[0])
			want = want[1:]
		}
	}
	return b.String()
}

func rewriteScript(t *testing.T, s *script, got map[int][]string) {
	var out []string
	for i, raw := range s.lines {
		if strings.HasPrefix(raw, ">") {
			continue
		}
		out = append(out, raw)
		for _, l := range got[i+1] {
			out = append(out, "> "+l)
		}
	}
	if err := os.WriteFile(s.path, []byte(strings.Join(out, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestScriptErrorsNameTheirLine(t *testing.T) {
	tests := map[string]struct {
		text string
		line int
	}{
		"nothing":                   {"", 1},
		"comments alone":            {"# sup root\n\n# start root\n", 3},
		"unknown command":           {"sup root\nfly root\n", 2},
		"unknown key":               {"sup root\nchild a in=root colour=red\nstart root\n", 2},
		"unknown supervisor":        {"sup root\nchild a in=roof\nstart root\n", 2},
		"two roots":                 {"sup root\nsup roof\nstart root\n", 2},
		"no root":                   {"case c\nphase p ok\nshutdown\n", 1},
		"declared after a command":  {"sup root\nstart root\nchild a in=root\n", 3},
		"expectation alone":         {"sup root\n> start root#1\n", 2},
		"unknown name":              {"sup root\nstart root\ncrash a\n", 3},
		"target not live":           {"sup root\nchild a in=root\ncrash a\n", 3},
		"supervisor can only crash": {"sup root\nsup m in=root\nstart root\nexit m normal\n", 4},
		"ready twice":               {"sup root\nchild a in=root\nstart root\nready a\n", 4},
		"malformed duration":        {"sup root\nadvance soon\n", 2},
		"malformed outcome":         {"sup root\nchild a in=root start=maybe\n", 2},
		"key given twice":           {"sup root intensity=1 intensity=2\n", 1},
		"jitter above 1":            {"sup root\njitter 1.5\n", 2},
		"endless":                   {"sup root intensity=100000\nchild a in=root start=ok,error\nstart root\ncrash a\n", 4},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s.txt")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			var se *scriptError
			if err := firstError(path); !errors.As(err, &se) || se.line != tt.line {
				t.Fatalf("error = %v, want a script error at line %d", err, tt.line)
			}
		})
	}
}

func firstError(path string) error {
	s, err := readScript(path)
	if err != nil {
		return err
	}
	for _, c := range s.cases {
		p, err := declare(c)
		if err != nil {
			return err
		}
		st := newStage(p)
		for _, step := range c.steps {
			if _, err := st.play(step); err != nil {
				return err
			}
		}
	}
	return nil
}
