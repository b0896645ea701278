package supervision

// Hold bounds how many records of a journal may wait for the disk.
func (o Journal) Hold(records int) Journal {
	o.queue = records
	return o
}
