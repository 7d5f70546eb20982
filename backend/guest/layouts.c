/*
 * Never linked: built without CONFIG_DYNAMIC_FTRACE, so that its debug information says what the structures
 * look like without the option (trapscope guest layout).
 */
#include "task.h"

struct thread_info layout_of_thread_info;
struct task_struct layout_of_task_struct;
