/* tailrace: dispatches to cli/. */
int main(void)
{
	return 0;
}
