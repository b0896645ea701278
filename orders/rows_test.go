package orders_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEveryRowOfTheMatricesIsACase compares the list of rows with the files: a
// row is a case of its letter's file, or stands in NOT_BUILT, and never both.
func TestEveryRowOfTheMatricesIsACase(t *testing.T) {
	rows, missing := readRows(t, "ROWS"), readRows(t, "NOT_BUILT")
	if len(rows) != 143 {
		t.Errorf("ROWS has %d rows, want 143", len(rows))
	}
	var have []string
	files, err := filepath.Glob(filepath.Join("testdata", "[A-L]-*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		cases, err := readScript(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			have = append(have, filepath.Base(file)[:1]+" "+c.name)
		}
	}
	for _, row := range rows {
		built, listed := slices.Contains(have, row), slices.Contains(missing, row)
		if built == listed {
			t.Errorf("row %q: case %v, in NOT_BUILT %v, want exactly one", row, built, listed)
		}
	}
	for _, name := range have {
		if !slices.Contains(rows, name) {
			t.Errorf("case %q is no row of ROWS", name)
		}
	}
	for _, name := range missing {
		if !slices.Contains(rows, name) {
			t.Errorf("NOT_BUILT names %q, which is no row", name)
		}
	}
}

func readRows(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if slices.Contains(rows, line) {
			t.Errorf("%s has %q twice", name, line)
		}
		rows = append(rows, line)
	}
	return rows
}
