# share/catalogue.json becomes a part of the program, so that `lathe models recommend` works wherever the program is.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/share/catalogue.json)
file(READ ${CMAKE_SOURCE_DIR}/share/catalogue.json LATHE_CATALOGUE_JSON)
configure_file(${CMAKE_SOURCE_DIR}/src/host/catalogue_text.cc.in ${CMAKE_BINARY_DIR}/generated/catalogue_text.cc @ONLY)
target_sources(lathe_host PRIVATE ${CMAKE_BINARY_DIR}/generated/catalogue_text.cc)
