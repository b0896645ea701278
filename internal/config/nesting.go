package config

import (
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"
)

// The parser descends once for each level and takes time by the square of it: some KiB of brackets would hold it for
// minutes and in gigabytes. No file of ours needs a tenth of this.
const (
	deepest  = 32   // brackets within brackets
	busiest  = 64   // dashes, question marks, colons, anchors and tags of one line outside of brackets
	farthest = 256  // columns before the first word of a line
	longest  = 4096 // bytes of a line
)

// tooDeep says where a text nests deeper than a configuration may, before anything descends into it.
func tooDeep(tokens token.Tokens) (at place, why string) {
	var line, brackets, marks int
	for _, t := range tokens {
		first := t.Position.Line != line
		if first {
			line, marks = t.Position.Line, 0
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets = max(0, brackets-1)
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType, token.AnchorType, token.AliasType, token.TagType:
			if brackets == 0 {
				marks++
			}
		default:
		}
		here := place{t.Position.Line, t.Position.Column, max(1, utf8.RuneCountInString(t.Value))}
		switch {
		case brackets > deepest:
			return here, fmt.Sprintf("found %d brackets within each other, want at most %d", brackets, deepest)
		case marks > busiest:
			return here, fmt.Sprintf("found %d of - ? : & * ! in one line, want at most %d", marks, busiest)
		case first && brackets == 0 && t.Position.Column > farthest:
			return here, fmt.Sprintf("found a line indented by %d columns, want at most %d", t.Position.Column-1, farthest)
		}
	}
	return place{}, ""
}
