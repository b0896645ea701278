package orders_test

import (
	"os"
	"path/filepath"
	"testing"
)

// TestRunnerFailsWhatMustFail keeps the runner honest: each of these cases
// breaks one of its rules.
func TestRunnerFailsWhatMustFail(t *testing.T) {
	for name, script := range map[string]string{
		"wrong status":            "> new X qty=1\n= X status=NEW",
		"wrong number":            "> new X qty=1\n= X held=2",
		"wire nobody took":        "> new X qty=1\n> timeout X",
		"wire nobody took at end": "> new X qty=1\n< exec X NEW/NEW 1/0/1\n> quiet of=X",
		"flag nobody took":        "> new X qty=1\n< exec X T/F 1/0/0 exec=E\n> new Y qty=1",
		"wire none with a wire":   "> new X qty=1\n+ wire none",
		"flag none with a flag":   "< exec X NEW/NEW 1/0/1 oid=V\n+ flag none",
		"match used up":           "> new X qty=1\n+ wire new X 1\n+ wire new X 1",
		"wrong word":              "> new X qty=1\n< exec X NEW/NEW 1/0/1\n< exec X T/F 1/1/0 last=1@50\n+ event fill X 1@51",
		"wrong order":             "> new X qty=1\n< exec X NEW/NEW 1/0/1\n+ event accepted Y",
		"no such order":           "= X status=NEW",
		"key twice":               "> new X qty=1 qty=2",
		"unknown key":             "> new X qty=1 colour=red",
		"unknown action":          "> dance X",
		"unknown message":         "< hello",
		"unknown type":            "> new X qty=1\n< exec X FOO/NEW 1/0/1",
		"late option":             "> new X qty=1\noption session=down",
		"wrong position":          "= pos ABC 1",
		"wrong session":           "= session down",
		"wrong count of unknown":  "= unknown 1",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "x.txt")
			if err := os.WriteFile(file, []byte("case x\n"+script+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			cases, err := readScript(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := runCase(cases[0]); err == nil {
				t.Errorf("the case passed:\n%s", script)
			}
		})
	}
	for name, text := range map[string]string{"no case": "# nothing\n", "line before a case": "> new X qty=1\n", "unknown statement": "case x\n! new\n", "name twice": "case x\ncase x\n"} {
		file := filepath.Join(t.TempDir(), "x.txt")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readScript(file); err == nil {
			t.Errorf("%s: the file was read", name)
		}
	}
}
