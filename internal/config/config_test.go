package config_test

import (
	"os"
	"testing"

	"github.com/failshut/failshut/internal/config"
)

func TestExamplesHaveNoMistake(t *testing.T) {
	for _, name := range []string{"node.example.yaml", "venue.example.yaml"} {
		src, err := os.ReadFile("../../examples/cluster/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if f := config.Read(name, src, nil); len(f.Mistakes) != 0 {
			t.Errorf("%s:\n%s", name, f.Mistakes.Text(name))
		}
	}
}
