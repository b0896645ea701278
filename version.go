package failshut

import (
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/spf13/cobra"
)

// schemas are the versions of every answer this binary prints. A change of a name or field there changes the number.
var schemas = map[string]int{
	"failshut.error": 1, "failshut.version": 1, "failshut.config.check": 1, "failshut.feed.verify": 1,
	"failshut.demo": 1, "failshut.run": 1, "failshut.cluster.init": 1, "failshut.replay": 1, "failshut.bench": 1, "failshut.status": 1, "failshut.trip": 1,
	"failshut.reset": 1, "failshut.gate": 1, "failshut.tree": 1, "failshut.tree.dump": 1,
	"failshut.tree.replay": 1, "failshut.orders": 1, "failshut.positions": 1, "failshut.new.strategy": 1,
}

type versionAnswer struct {
	Schema         string            `json:"schema"`
	Version        string            `json:"version"`
	Commit         *string           `json:"commit"`
	Dirty          bool              `json:"dirty"`
	Go             string            `json:"go"`
	OS             string            `json:"os"`
	Arch           string            `json:"arch"`
	Schemas        map[string]int    `json:"schemas"`
	CommandVersion int               `json:"command_version"`
	Modules        map[string]string `json:"modules"`
}

func (c *cli) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "What this binary is made of",
		Example: "  failshut version\n  failshut version --output json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return answer(c.stdout, c.output, versionOf(debug.ReadBuildInfo()))
		},
	}
}

func versionOf(info *debug.BuildInfo, ok bool) versionAnswer {
	a := versionAnswer{
		Schema: "failshut.version/1", Version: "(devel)", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		Schemas: schemas, CommandVersion: commandVersion, Modules: map[string]string{},
	}
	if !ok {
		return a
	}
	if info.Main.Version != "" {
		a.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			a.Commit = &s.Value
		case "vcs.modified":
			a.Dirty, _ = strconv.ParseBool(s.Value)
		}
	}
	for _, m := range info.Deps {
		a.Modules[m.Path] = m.Version
	}
	return a
}
