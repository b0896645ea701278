package strategy

import "reflect"

// sharedMap says which field of two fresh values holds one and the same map, "" when none does: what one incarnation writes there
// another would read (P8). Behind pointers it does not look: what is shared there may be meant so, such as a model that is only read.
func sharedMap(a, b reflect.Value, at string) string {
	switch a.Kind() {
	case reflect.Map:
		if !a.IsNil() && a.UnsafePointer() == b.UnsafePointer() {
			return at
		}
	case reflect.Struct:
		for i := range a.NumField() {
			if found := sharedMap(a.Field(i), b.Field(i), join(at, a.Type().Field(i).Name)); found != "" {
				return found
			}
		}
	case reflect.Array:
		for i := range a.Len() {
			if found := sharedMap(a.Index(i), b.Index(i), at); found != "" {
				return found
			}
		}
	case reflect.Interface:
		if !a.IsNil() && !b.IsNil() && a.Elem().Type() == b.Elem().Type() {
			return sharedMap(a.Elem(), b.Elem(), at)
		}
	default:
	}
	return ""
}
