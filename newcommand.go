package failshut

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/failshut/failshut/internal/scaffold"
)

//go:embed go.mod
var ownMod string

//go:embed go.sum
var ownSum string

func (c *cli) newCommand() *cobra.Command {
	parent := &cobra.Command{Use: "new", Short: "Begin something of your own", Args: cobra.NoArgs, RunE: help}
	parent.AddCommand(c.newStrategyCommand())
	return parent
}

func (c *cli) newStrategyCommand() *cobra.Command {
	var replace string
	cmd := &cobra.Command{
		Use:     "strategy NAME",
		Short:   "A module with a strategy, its main, and a test that passes",
		Example: "  failshut new strategy my",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return c.newStrategy(args[0], replace) },
	}
	cmd.Flags().StringVar(&replace, "replace", "", "checkout of Failshut that the module uses; default: the one this binary was built in, if it was")
	return cmd
}

// newStrategyAnswer is what was written, and what to do next.
type newStrategyAnswer struct {
	Schema  string   `json:"schema"`
	Dir     string   `json:"dir"`
	Files   []string `json:"files"`
	Replace *string  `json:"replace"`
	Next    []string `json:"next"`
}

func (c *cli) newStrategy(name, replace string) error {
	if err := scaffold.CheckName(name); err != nil {
		return endWith(ExitUsage, err)
	}
	s := scaffold.Strategy{Name: name, GoMod: ownMod, GoSum: ownSum}
	var err error
	if s.Replace, s.Version, err = sourceOf(replace); err != nil {
		return err
	}
	files, err := scaffold.Write(name, s)
	if err != nil {
		code := ExitFailure
		if errors.Is(err, scaffold.ErrTaken) {
			code = ExitPrecondition
		}
		return endWith(code, err)
	}
	a := newStrategyAnswer{Schema: "failshut.new.strategy/1", Dir: name, Files: files, Next: []string{"cd " + name, "go test ./..."}}
	if s.Replace != "" {
		a.Replace = &s.Replace
	}
	return answer(c.stdout, c.output, a)
}

// sourceOf says where a new module finds Failshut: in the checkout that is named, else in the one that this binary was built in,
// else by the version that it was built of.
func sourceOf(replace string) (dir, version string, err error) {
	if replace != "" {
		dir, err = filepath.Abs(replace)
		if err == nil && !isCheckout(dir) {
			err = fmt.Errorf("--replace is %q, want the folder of a checkout of %s", replace, scaffold.Module)
		}
		return dir, "", endWith(ExitUsage, err)
	}
	if _, file, _, ok := runtime.Caller(0); ok && isCheckout(filepath.Dir(file)) {
		return filepath.Dir(file), "", nil
	}
	if v := builtVersion(); v != "" {
		return "", v, nil
	}
	return "", "", usagef("this binary was not built in a checkout that is still there, nor of a published version; want --replace DIR, a checkout of %s", scaffold.Module)
}

// isCheckout reports whether dir is the top of a module of Failshut.
func isCheckout(dir string) bool {
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod")) //nolint:gosec // the user names a folder to be built from
	return err == nil && strings.HasPrefix(string(mod), "module "+scaffold.Module+"\n")
}

// builtVersion is the published version of Failshut in this binary, or nothing.
func builtVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path == scaffold.Module && m.Replace == nil && strings.HasPrefix(m.Version, "v") && !strings.Contains(m.Version, "+dirty") {
			return m.Version
		}
	}
	return ""
}
