package config

import (
	"reflect"
	"sort"
	"strings"
)

type field struct {
	key      string
	index    []int
	tag      reflect.StructTag
	optional bool
}

type fieldList []field

// fieldsOf lists the keys a struct takes, in the order of its fields. An embedded struct's keys are the struct's own.
func fieldsOf(t reflect.Type) fieldList {
	var out fieldList
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				out = append(out, inner)
			}
			continue
		}
		if !f.IsExported() {
			continue
		}
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if key == "-" {
			continue
		}
		if key == "" {
			key = strings.ToLower(f.Name)
		}
		_, optional := f.Tag.Lookup("opt")
		out = append(out, field{key, []int{i}, f.Tag, optional})
	}
	return out
}

func (l fieldList) find(key string) (field, bool) {
	for _, f := range l {
		if f.key == key {
			return f, true
		}
	}
	return field{}, false
}

func (l fieldList) keys() []string {
	out := make([]string, len(l))
	for i, f := range l {
		out[i] = f.key
	}
	return out
}

// schema knows every key of a kind of file and the mappings that take it.
type schema map[string][]string

func schemaOf(t reflect.Type) schema {
	s := schema{}
	s.walk(t, "", map[reflect.Type]bool{})
	for _, homes := range s {
		sort.Strings(homes)
	}
	return s
}

func (s schema) walk(t reflect.Type, path string, on map[reflect.Type]bool) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || on[t] || t.PkgPath() != reflect.TypeFor[Mistake]().PkgPath() {
		return
	}
	on[t] = true
	defer delete(on, t)
	for _, f := range fieldsOf(t) {
		if path != "" {
			s[f.key] = append(s[f.key], path)
		}
		s.walk(t.FieldByIndex(f.index).Type, join(path, f.key), on)
	}
}

func (s schema) homes(key string) []string { return s[key] }

// nearest gives the one candidate within two edits of word, or nothing when there is none or more than one as near.
func nearest(word string, candidates []string) string {
	best, distance, tied := "", 3, false
	for _, c := range candidates {
		switch n := edits(word, c); {
		case n < distance:
			best, distance, tied = c, n, false
		case n == distance:
			tied = true
		}
	}
	if tied || distance > 2 || distance >= len(word) {
		return ""
	}
	return best
}

// edits is the Levenshtein distance of two short words.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
