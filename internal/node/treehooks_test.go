package node_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/supervision"
)

// Every hook of a tree that there is, or will be, reaches both; one that only one has reaches that one, and one that nobody has is none.
func TestBothAreToldEveryHookOfATree(t *testing.T) {
	var told []string
	every := func(who string) (e supervision.Events) {
		v := reflect.ValueOf(&e).Elem()
		for i := range v.NumField() {
			v.Field(i).Set(reflect.MakeFunc(v.Field(i).Type(), func([]reflect.Value) []reflect.Value {
				told = append(told, who+" "+v.Type().Field(i).Name)
				return nil
			}))
		}
		return e
	}
	none := supervision.Events{}
	for _, c := range []struct {
		a, b supervision.Events
		who  []string
	}{
		{every("a"), every("b"), []string{"a", "b"}},
		{every("a"), none, []string{"a"}},
		{none, every("b"), []string{"b"}},
		{none, none, nil},
	} {
		v := reflect.ValueOf(node.BothTold(c.a, c.b))
		for i := range v.NumField() {
			name, f := v.Type().Field(i).Name, v.Field(i)
			told = nil
			if !f.IsNil() {
				in := make([]reflect.Value, f.Type().NumIn())
				for j := range in {
					in[j] = reflect.Zero(f.Type().In(j))
				}
				f.Call(in)
			}
			var want []string
			for _, who := range c.who {
				want = append(want, who+" "+name)
			}
			if !slices.Equal(told, want) {
				t.Errorf("%s reaches %q, want %q", name, told, want)
			}
		}
	}
}
