package failshut

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// wordsAreUsage makes a wrong number of arguments, or an unknown command, a mistake of usage that says what was found and
// what is wanted.
func wordsAreUsage(cmd *cobra.Command) {
	check := cmd.Args
	if check == nil {
		check = cobra.ArbitraryArgs
		if len(cmd.Commands()) > 0 {
			check = cobra.NoArgs
		}
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) == nil {
			return nil
		}
		if names := below(cmd); len(names) > 0 && !takesWords(cmd) {
			return usagef("unknown command %q for %q, want one of %s", args[0], cmd.CommandPath(), strings.Join(names, ", "))
		}
		return usagef("found %s, want %s", counted(args), strings.TrimSuffix(cmd.UseLine(), " [flags]"))
	}
}

// below names the commands of a command that help shows.
func below(cmd *cobra.Command) (names []string) {
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return names
}

// takesWords reports whether a command has arguments of its own, such as the PATH of tree.
func takesWords(cmd *cobra.Command) bool { return strings.Contains(cmd.Use, " ") }

func counted(args []string) string {
	switch len(args) {
	case 0:
		return "no argument"
	case 1:
		return fmt.Sprintf("the argument %q", args[0])
	}
	return fmt.Sprintf("%d arguments %q", len(args), args)
}

// badFlag says which flag holds what, and what it may hold, in the words of all other mistakes.
func badFlag(err error) error {
	bad, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err
	}
	why := bad.Unwrap().Error()
	if _, number := errors.AsType[*strconv.NumError](err); number {
		why = "want " + wantOf(bad.GetFlag().Value.Type())
	}
	return fmt.Errorf("--%s is %q, %s", bad.GetFlag().Name, bad.GetValue(), why)
}

// wantOf is what a flag of one of pflag's own types may hold.
func wantOf(kind string) string {
	switch {
	case strings.HasPrefix(kind, "uint"):
		return "a whole number from 0 on"
	case strings.HasPrefix(kind, "int"):
		return "a whole number"
	case strings.HasPrefix(kind, "float"):
		return "a number"
	case kind == "bool":
		return "true or false"
	}
	return "a " + kind
}
