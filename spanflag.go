package failshut

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"
)

// span is a flag that holds a duration between two bounds: what is outside of them is a mistake of usage, and never a wait
// that has ended before it began.
type span struct {
	of          *time.Duration
	least, most time.Duration
}

func spanVar(flags *pflag.FlagSet, of *time.Duration, name string, standard time.Duration, least, most time.Duration, usage string) {
	*of = standard
	flags.Var(&span{of, least, most}, name, usage)
}

func (s *span) String() string {
	if s.of == nil { // pflag asks the zero value for its text
		return "0s"
	}
	return s.of.String()
}

func (s *span) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d < s.least || d > s.most {
		return fmt.Errorf("want a duration from %v to %v, such as 10s", s.least, s.most)
	}
	*s.of = d
	return nil
}

// Type is the word for the flag's value in the help.
func (s *span) Type() string { return "duration" }
