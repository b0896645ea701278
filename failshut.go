// Package failshut is the whole of Failshut as one binary: Main is every command, with a user's own strategies in it.
// The daemon, the demo, the replay of a recording and the tools that operate a node are subcommands of the same binary,
// so that what was tested is what runs. Exit codes and JSON answers are frozen (see Exit… and docs/cli.md); an unknown
// answer is never green (P2).
package failshut

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/failshut/failshut/strategy"
)

// Strategy makes a strategy that Main can hold of a function that returns a fresh value with default parameters: one for
// each incarnation, never used twice.
func Strategy[T any](name string, fresh func() T) strategy.Def { return strategy.Define(name, fresh) }

// Main runs the command that the process was called with and exits with its code. The strategies given are those that
// configuration and flags may name. A strategy that cannot work (no handler, a handler's name with another signature)
// ends the process with 1 before anything starts.
func Main(defs ...strategy.Def) {
	os.Exit(Run(os.Args[1:], os.Stdout, os.Stderr, defs...))
}

// Run is Main without the exit: it runs one command over the arguments given and returns its exit code. It must not run
// twice at once in one process, for it takes the process's signals.
func Run(args []string, stdout, stderr io.Writer, defs ...strategy.Def) int {
	known, err := strategy.Collect(defs...)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "failshut: %v\n", err)
		return ExitFailure
	}
	c := &cli{stdout: stdout, stderr: stderr, defs: known}
	return c.run(args)
}

// cli is one run of the binary: where it prints, what it holds, and the flags that every command takes.
type cli struct {
	stdout, stderr io.Writer
	defs           strategy.Defs

	output  string
	noColor bool
	quiet   bool
	verbose bool
	timeout time.Duration

	asksJSON bool // by the arguments as they stand, also when they could not be read
}

func (c *cli) run(args []string) int {
	root := c.root()
	c.asksJSON = wantsJSON(args)
	root.SetArgs(args)
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	signal.Ignore(syscall.SIGPIPE) // a reader that goes away is an error of the write, and a quiet end
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)() // a command that does not heed the first signal is ended by the second
	err := root.ExecuteContext(ctx)
	if err == nil {
		return ExitOK
	}
	return c.fail(err, stoppedBy(ctx, err))
}

// stoppedBy reports whether err is the end of ctx and nothing else.
func stoppedBy(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx)))
}

// wantsJSON says whether arguments that were not read to their end, for a mistake came first, ask for JSON.
func wantsJSON(args []string) bool {
	for i, a := range args {
		if a == "--output=json" || a == "--output" && i+1 < len(args) && args[i+1] == "json" {
			return true
		}
	}
	return false
}

// fail prints why a command ended and returns its code.
func (c *cli) fail(err error, interrupted bool) int {
	e := exitOf(err)
	if interrupted {
		e = &ending{code: ExitInterrupted, err: err}
	}
	if errors.Is(err, syscall.EPIPE) {
		return ExitOK
	}
	if !e.quiet && c.asksJSON {
		b, _ := json.Marshal(e.json())
		_, _ = fmt.Fprintf(c.stdout, "%s\n", b)
	}
	_, _ = fmt.Fprintf(c.stderr, "failshut: %v\n", err)
	return e.code
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "failshut",
		Short:         "A runtime for trading systems that fails shut",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if c.output != "table" && c.output != "json" {
				return usagef("--output is %q, want table or json", c.output)
			}
			return nil
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return endWith(ExitUsage, badFlag(err)) })
	flags := root.PersistentFlags()
	flags.StringVar(&c.output, "output", "table", "table or json")
	flags.BoolVar(&c.noColor, "no-color", false, "no colours, even on a terminal")
	flags.BoolVar(&c.quiet, "quiet", false, "nothing on stderr but errors")
	flags.BoolVar(&c.verbose, "verbose", false, "a line on stderr for each change of state")
	spanVar(flags, &c.timeout, "timeout", 10*time.Second, time.Millisecond, time.Hour, "how long an answer may take")
	root.AddCommand(c.commands()...)
	for _, cmd := range all(root) {
		wordsAreUsage(cmd)
	}
	return root
}

// all lists a command and everything below it.
func all(cmd *cobra.Command) []*cobra.Command {
	out := []*cobra.Command{cmd}
	for _, sub := range cmd.Commands() {
		out = append(out, all(sub)...)
	}
	return out
}

// say prints progress for a person, unless told to be quiet.
func (c *cli) say(format string, args ...any) {
	if !c.quiet {
		_, _ = fmt.Fprintf(c.stderr, format+"\n", args...)
	}
}
