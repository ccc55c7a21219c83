package config

import "reflect"

// Variables returns the names of all variables that Environ takes.
func Variables() []string {
	var names []string
	c := Default()
	// The function never fails, so neither does fields.
	_ = fields(reflect.ValueOf(&c).Elem(), "LOA", func(name string, _ reflect.Value) error {
		names = append(names, name)
		return nil
	})
	return names
}
