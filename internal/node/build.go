package node

import (
	"runtime/debug"
	"strings"
)

// Build names this binary for journals and ledgers: its version, and its revision where it was built in a checkout.
func Build() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	var out strings.Builder
	out.WriteString(info.Main.Version)
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			out.WriteString(" " + s.Value)
		}
	}
	if out.String() == "" {
		return "(devel)"
	}
	return out.String()
}
